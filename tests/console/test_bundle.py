"""The built frontend's own origin: every way bundlers write Reflex's address, and refusing what is unknown."""

from pathlib import Path

import pytest

from oneapi_app.console.bundle import use_own_origin

ENV = 'var e={PING:"http://same-origin.invalid/ping",EVENT:`ws://same-origin.invalid/_event`,TRANSPORT:"websocket"};'
HOSTS = 'var h=["localhost","0.0.0.0","::","0:0:0:0:0:0:0:0"];'


def built(tmp_path: Path, *scripts: str) -> Path:
    (tmp_path / "assets").mkdir()
    for number, script in enumerate(scripts):
        (tmp_path / "assets" / f"{number}.js").write_text(script)
    return tmp_path


def text(directory: Path) -> str:
    return "".join(script.read_text() for script in sorted(directory.rglob("*.js")))


def test_addresses_become_the_browsers(tmp_path: Path):
    directory = built(tmp_path, ENV, HOSTS)
    use_own_origin(directory)
    assert 'PING:(location.origin+"/ping")' in text(directory)
    assert 'EVENT:(location.origin.replace("http","ws")+"/_event")' in text(directory)
    assert "same-origin.invalid" not in text(directory)


def test_no_host_makes_reflex_drop_the_port(tmp_path: Path):
    directory = built(tmp_path, ENV, HOSTS.replace('"', "`"))
    use_own_origin(directory)
    assert "var h=[];" in text(directory)


@pytest.mark.parametrize("scripts", [(ENV,), (HOSTS,), ("nothing",)])
def test_an_unknown_output_fails_the_build(tmp_path: Path, scripts: tuple[str, ...]):
    with pytest.raises(RuntimeError, match="changed"):
        use_own_origin(built(tmp_path, *scripts))
