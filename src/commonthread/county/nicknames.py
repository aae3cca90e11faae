"""What people in Britain are called for short: formal given name -> short forms.

Collected from common knowledge of British usage, not from a data set.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_FORMS = """
Abigail: Abi Abbie Gail
Albert: Bert Albie
Alexander: Alex Sandy Xander
Alexandra: Alex Sandra Lexi
Alfred: Alf Alfie Fred
Alison: Ali
Amanda: Mandy
Andrew: Andy Drew
Angela: Angie
Ann: Annie Nan
Anne: Annie Nan
Anthony: Tony Ant
Archibald: Archie
Arthur: Art
Barbara: Babs Barb
Benjamin: Ben Benny
Bernard: Bernie
Beverley: Bev
Bradley: Brad
Cameron: Cam
Caroline: Carrie Caz
Catherine: Cathy Kate Cath
Charles: Charlie Chas Chuck
Charlotte: Lottie Charlie
Christine: Chris Chrissie Tina
Christopher: Chris Kit
Clifford: Cliff
Cynthia: Cindy
Daniel: Dan Danny
David: Dave Davey
Deborah: Debbie Deb
Derek: Del
Desmond: Des
Diana: Di
Dominic: Dom
Donald: Don
Dorothy: Dot Dottie Dolly
Douglas: Doug
Edward: Ed Ted Eddie Ned
Edwin: Ed Eddie
Eleanor: Ellie Nell Nora
Elizabeth: Liz Beth Betty Lizzie Libby
Emily: Em Milly
Emma: Em
Eric: Rick
Ernest: Ernie
Eugene: Gene
Evelyn: Evie
Florence: Flo Florrie
Frances: Fran Frankie
Francis: Frank Fran
Frank: Frankie
Frederick: Fred Freddie
Gabriel: Gabe
Gareth: Gaz
Gary: Gaz
Geoffrey: Geoff Jeff
Georgina: Georgie Gina
Gerald: Gerry Jerry
Gillian: Gill Jill
Gordon: Gord
Graham: Gray
Gregory: Greg
Gwendoline: Gwen
Harold: Harry
Harriet: Hattie
Henry: Harry Hal
Herbert: Bert Herb
Isabella: Bella Izzy
Isobel: Izzy Bel
Jacob: Jake
Jacqueline: Jackie
James: Jim Jimmy Jamie
Janet: Jan
Jasmine: Jas
Jeffrey: Jeff
Jennifer: Jenny Jen
Jeremy: Jez Jerry
Jessica: Jess Jessie
Joan: Joanie
Joanna: Jo
Joanne: Jo
John: Jack Johnny
Jonathan: Jon Jonny
Joseph: Joe Joey
Josephine: Jo Josie
Joshua: Josh
Judith: Judy Jude
Julia: Jules
Julian: Jules
Katherine: Kate Kathy Katie Kath
Kathleen: Kath Kathy
Kenneth: Ken Kenny
Kimberley: Kim
Laura: Lolly
Laurence: Larry Laurie
Leonard: Len Lenny
Leslie: Les
Lewis: Lew
Lillian: Lily Lil
Louise: Lou
Lucy: Lu
Malcolm: Malc
Margaret: Maggie Peggy Meg Marge
Maria: Ria
Marilyn: Lyn
Marjorie: Marge
Martin: Marty
Mary: Molly Polly May
Matilda: Tilly
Matthew: Matt
Maureen: Mo
Maurice: Mo
Maxwell: Max
Michael: Mick Mike Mickey
Michelle: Shell
Mildred: Millie
Millicent: Millie
Mohammed: Mo
Muhammad: Mo
Nathan: Nat
Nathaniel: Nat Nate
Natalie: Nat
Neville: Nev
Nicholas: Nick Nicky
Nicola: Nicky Nic
Norman: Norm
Oliver: Ollie
Olivia: Liv Livvy
Oscar: Ozzy
Pamela: Pam
Patricia: Pat Trish Patsy
Patrick: Pat Paddy
Paul: Pauly
Pauline: Paula
Penelope: Penny
Peter: Pete
Philip: Phil Pip
Phillip: Phil Pip
Phyllis: Phyl
Rachel: Rach
Raymond: Ray
Rebecca: Becky Becca
Reginald: Reg Reggie
Richard: Dick Rick Rich Richie
Robert: Bob Rob Bobby Robbie
Roderick: Rod
Rodney: Rod
Ronald: Ron Ronnie
Rosemary: Rose Rosie
Russell: Russ
Samantha: Sam
Samuel: Sam Sammy
Sandra: Sandy
Sarah: Sally Sadie
Sharon: Shaz
Sheila: She
Sidney: Sid
Simon: Si
Sophie: Soph
Stanley: Stan
Stephanie: Steph
Stephen: Steve Stevie
Steven: Steve Stevie
Stewart: Stew
Stuart: Stu
Susan: Sue Susie
Terence: Terry Tel
Teresa: Terri Tess
Theodore: Theo Ted
Theresa: Terri Tess
Thomas: Tom Tommy
Timothy: Tim
Tracey: Trace
Trevor: Trev
Valerie: Val
Veronica: Ronnie
Victor: Vic
Victoria: Vicky Tori
Vincent: Vince
Virginia: Ginny
Vivienne: Viv
Walter: Wally Walt
Wendy: Wend
Wilfred: Wilf
William: Bill Will Billy Liam
Winifred: Winnie Freda
Yvonne: Von
Zachary: Zach
"""

NICKNAMES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        formal: tuple(short.split())
        for formal, short in (line.split(": ") for line in _FORMS.strip().splitlines())
    }
)
