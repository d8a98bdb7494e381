from contextlib import closing

from tests.cli.terminal import Terminal
from tests.daemon.temp_user import Home


def test_a_question_is_answered(launched: Home) -> None:
    done = launched.run("chat", "How are you?")

    assert (done.returncode, done.stdout, done.stderr) == (0, "Hello.\n", "")


def test_what_is_piped_in_goes_along_with_the_question(launched: Home) -> None:
    done = launched.run("chat", "Please repeat this.", input="x = 1\n")

    assert done.stdout == "Please repeat this.\n\nx = 1\n"


def test_nothing_to_ask_is_wrong_usage(home: Home) -> None:
    done = home.run("chat", input="")

    assert done.returncode == 2
    assert "there is nothing to ask" in done.stderr


def test_a_conversation_goes_on_until_the_user_leaves(launched: Home) -> None:
    with closing(Terminal("chat")) as terminal:
        assert "/clear forgets the conversation" in terminal.read_to("> ")

        terminal.type("How are you?\n")
        assert terminal.read_to("\n> ").endswith("How are you?\nHello.\n\n> ")

        terminal.type("\n")
        terminal.read_to("\n> ")
        terminal.type("/clear\n")
        assert "Forgotten.\n" in terminal.read_to("\n> ")

        terminal.type("/exit\n")
        assert terminal.ended() == 0


def test_ctrl_d_leaves_the_conversation(launched: Home) -> None:
    with closing(Terminal("chat")) as terminal:
        terminal.read_to("> ")
        terminal.type("\x04")

        assert terminal.ended() == 0


def test_ctrl_c_stops_an_answer_and_not_the_conversation(launched: Home) -> None:
    with closing(Terminal("chat")) as terminal:
        terminal.read_to("> ")
        terminal.type("wait\n")
        terminal.read_to("Let me think")
        terminal.interrupt()
        terminal.read_to("(stopped)")

        terminal.read_to("> ")
        terminal.interrupt_to("(Ctrl-D leaves)")

        terminal.read_to("> ")
        terminal.type("/clear\nHow are you?\n")
        terminal.read_to("Hello.")
        terminal.type("/exit\n")
        assert terminal.ended() == 0


def test_ctrl_c_ends_a_single_question(launched: Home) -> None:
    with closing(Terminal("chat", "wait")) as terminal:
        terminal.read_to("Let me think")
        terminal.interrupt()

        assert terminal.ended() == 130
