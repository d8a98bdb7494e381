"""The trees of the open documents."""

from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from copilotd.documents import Document
from copilotd.syntax import trees as trees_module
from copilotd.syntax.tree import SyntaxTree
from copilotd.syntax.trees import SyntaxTrees

TEXTS = st.lists(
    st.sampled_from(["x = 1\n", "f(", ")", '"', "é", "if x:\n", "    y\n", "\ud800", "\r\n"]),
    max_size=12,
).map("".join)


def build_document(text: str, uri: str = "file:///a.py", language: str = "python") -> Document:
    return Document(uri, text, language)


@given(st.lists(TEXTS, min_size=1, max_size=4))
@settings(max_examples=150, deadline=None, database=None, derandomize=True)
def test_each_version_of_a_document_gets_the_tree_of_its_text(versions: list[str]) -> None:
    trees = SyntaxTrees()
    for text in versions:
        tree, fresh = trees.tree_of(build_document(text)), SyntaxTree.parse(text, "python")
        assert tree is not None
        assert fresh is not None
        assert (tree.text, tree.error_count) == (text, fresh.error_count)


def test_the_tree_of_an_unchanged_text_is_the_same_object() -> None:
    trees = SyntaxTrees()
    assert trees.tree_of(build_document("x = 1\n")) is trees.tree_of(build_document("x = 1\n"))


def test_a_changed_text_is_not_parsed_as_a_whole() -> None:
    trees = SyntaxTrees()
    trees.tree_of(build_document("x = 1\ny = 2\n"))
    with patch.object(SyntaxTree, "parse", side_effect=AssertionError):
        tree = trees.tree_of(build_document("x = 1\ny = (2\n"))
    assert tree is not None
    assert tree.error_count == 1


def test_a_document_whose_language_changes_gets_a_new_tree() -> None:
    trees = SyntaxTrees()
    trees.tree_of(build_document("x = 1\n"))
    tree = trees.tree_of(build_document("x = 1\n", language="go"))
    assert tree is not None
    assert tree.language == "go"


def test_the_language_is_guessed_from_the_file_name() -> None:
    tree = SyntaxTrees().tree_of(build_document("x = 1\n", language=""))
    assert tree is not None
    assert tree.language == "python"


def test_a_document_that_gets_its_language_later_gets_a_tree() -> None:
    trees = SyntaxTrees()
    assert trees.tree_of(build_document("x = 1\n", "untitled:1", language="")) is None
    assert trees.tree_of(build_document("x = 1\n", "untitled:1")) is not None


def test_a_text_that_is_too_complex_is_not_tried_again_until_it_shrinks() -> None:
    trees = SyntaxTrees()
    assert trees.tree_of(build_document("f(" * 400)) is None
    with patch.object(SyntaxTree, "parse", side_effect=AssertionError):
        assert trees.tree_of(build_document("f(" * 390)) is None
    assert trees.tree_of(build_document("f()\n" * 10)) is not None


def test_an_edit_that_is_too_complex_loses_only_that_tree() -> None:
    trees = SyntaxTrees()
    trees.tree_of(build_document("x = 1\n"))
    trees.tree_of(build_document("y = 1\n", "file:///b.py"))
    assert trees.tree_of(build_document("x = " + "(" * 500)) is None
    assert trees.tree_of(build_document("x = 1\n")) is not None
    assert trees.tree_of(build_document("y = 2\n", "file:///b.py")) is not None


def test_only_the_newest_trees_are_kept() -> None:
    trees = SyntaxTrees()
    for number in range(40):
        trees.tree_of(build_document("x = 1\n", f"file:///{number}.py"))
        trees.tree_of(build_document("(" * 500, f"file:///broken/{number}.py"))
    assert len(trees._trees) == len(trees._too_complex) == trees_module._CAPACITY
