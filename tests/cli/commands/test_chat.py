from contextlib import closing

from tests.cli.terminal import Terminal
from tests.daemon.temp_user import Home


def test_a_question_is_answered(home_with_daemon: Home) -> None:
    done = home_with_daemon.run("chat", "How are you?")

    assert (done.returncode, done.stdout, done.stderr) == (0, "Hello.\n", "")


def test_piped_text_is_sent_with_the_question(home_with_daemon: Home) -> None:
    done = home_with_daemon.run("chat", "Please repeat this.", input="x = 1\n")

    assert done.stdout == "Please repeat this.\n\nx = 1\n"


def test_chat_without_a_question_is_a_usage_error(home: Home) -> None:
    done = home.run("chat", input="")

    assert done.returncode == 2
    assert "there is nothing to ask" in done.stderr


def test_a_conversation_lasts_until_the_user_leaves(home_with_daemon: Home) -> None:
    with closing(Terminal("chat")) as terminal:
        assert "/clear forgets the conversation" in terminal.read_to("> ")

        terminal.type("How are you?\n")
        assert terminal.read_to("\n> ").endswith("How are you?\nHello.\n\n> ")

        terminal.type("\n")
        terminal.read_to("\n> ")
        terminal.type("/clear\n")
        assert "Forgotten.\n" in terminal.read_to("\n> ")

        terminal.type("/exit\n")
        assert terminal.wait_for_exit() == 0


def test_ctrl_d_ends_the_conversation(home_with_daemon: Home) -> None:
    with closing(Terminal("chat")) as terminal:
        terminal.read_to("> ")
        terminal.type("\x04")

        assert terminal.wait_for_exit() == 0


def test_ctrl_c_stops_an_answer_but_not_the_conversation(home_with_daemon: Home) -> None:
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
        assert terminal.wait_for_exit() == 0


def test_ctrl_c_ends_a_single_question(home_with_daemon: Home) -> None:
    with closing(Terminal("chat", "wait")) as terminal:
        terminal.read_to("Let me think")
        terminal.interrupt()

        assert terminal.wait_for_exit() == 130
