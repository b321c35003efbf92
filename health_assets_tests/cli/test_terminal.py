"""What reaches the terminal."""

import io

from rich.table import Table

from health_assets.cli.terminal import SafeConsole, copyable

HOSTILE = "Acme\x1b]0;owned\x07\x1b[31m\x9b2J\r\x08 Söhne \u202e日本\u200b 🚀"


def printed(thing: object, **given: object) -> str:
    out = io.StringIO()
    SafeConsole(file=out, width=80, force_terminal=True, color_system="standard").print(thing, **given)
    return out.getvalue()


def test_control_characters_of_names_are_not_printed_in_text_or_tables_and_colours_are() -> None:
    table = Table("name")
    table.add_row(HOSTILE)
    for said in (printed(HOSTILE), printed(HOSTILE, markup=False), printed(table)):
        assert not any(bad in said for bad in ("\x1b]", "\x07", "\x1b[31m", "\x9b", "\r", "\x08", "\u202e")), repr(said)
        assert "Söhne" in said
        assert "日本" in said
    assert "\x1b[32m" in printed("[green]Published[/]")


def test_command_of_a_group_gets_the_settings_after_its_name(tmp_path) -> None:
    file = tmp_path / "settings.yml"
    assert copyable("run `health-assets alerts retry`", file) == f"run `health-assets alerts retry --settings {file}`"
    assert copyable("run `health-assets alerts`", file) == f"run `health-assets alerts --settings {file}`"
