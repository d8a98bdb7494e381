"""Languages are recognised under the names of every editor, by file name and by first line."""

import pytest

from copilotd.documents import Document
from copilotd.syntax import language_ids
from copilotd.syntax.languages import detect_language, is_among


@pytest.mark.parametrize(
    ("names", "language"),
    [
        ("sh bash zsh ksh shellscript SH bash-ts sh-script", "shellscript"),
        ("make makefile automake makefile-gmake makefile-bsdmake", "makefile"),
        ("cs csharp c# c-sharp csharp-ts", "csharp"),
        ("tex plaintex latex", "latex"),
        ("gitcommit git-commit", "git-commit"),
        ("javascript js js-ts js2 source.js", "javascript"),
        ("javascript.jsx javascriptreact jsx source.js.jsx", "javascriptreact"),
        ("typescript.tsx typescriptreact tsx tsx-ts", "typescriptreact"),
        ("py python python-ts python3 python.django source.python", "python"),
        ("objc objective-c", "objective-c"),
        ("cpp c++ c++-ts source.c++ cpp.doxygen", "cpp"),
        ("htmldjango html.twig jinja-html htmlangular text.html.basic", "html"),
        ("yaml yaml.docker-compose dockercompose yaml.ansible github-actions-workflow", "yaml"),
        ("viml vim vimscript", "vim"),
        ("rst restructuredtext", "restructuredtext"),
        ("dosini gitconfig ini", "ini"),
        ("sql mysql plsql pgsql", "sql"),
        ("golang go go-ts", "go"),
        ("emacs-lisp-mode elisp common-lisp", "lisp"),
    ],
)
def test_every_editor_may_use_its_own_name_of_a_language(names: str, language: str) -> None:
    found = {name: detect_language(Document("file:///x", "", name)) for name in names.split()}
    assert found == dict.fromkeys(names.split(), language)


@pytest.mark.parametrize(
    ("name", "language"),
    [("Shell Script", "shellscript"), ("Plain Text", "plaintext"), ("Go Mod", "gomod")],
)
def test_a_name_may_have_spaces_and_capitals(name: str, language: str) -> None:
    assert detect_language(Document("file:///x", "", name)) == language


def test_an_unknown_name_stays_as_it_is() -> None:
    assert detect_language(Document("file:///x.py", "", "Frobnicate")) == "frobnicate"


@pytest.mark.parametrize(
    ("files", "language"),
    [
        ("Makefile GNUmakefile rules.mk Makefile.am Makefile.in makefile.common", "makefile"),
        ("Dockerfile Containerfile Dockerfile.dev api.dockerfile", "dockerfile"),
        ("CMakeLists.txt find.cmake", "cmake"),
        ("Gemfile Rakefile Vagrantfile x.gemspec a.rb", "ruby"),
        ("BUILD BUILD.bazel WORKSPACE defs.bzl Tiltfile", "starlark"),
        ("go.mod go.work", "gomod"),
        (".bashrc .zshrc .profile a.sh PKGBUILD", "shellscript"),
        ("COMMIT_EDITMSG .git/MERGE_MSG", "git-commit"),
        ("Jenkinsfile build.gradle", "groovy"),
        (".env .env.local .env.example", "dotenv"),
        ("nb.ipynb a.py a.pyi SConstruct", "python"),
        ("tsconfig.json .eslintrc", "jsonc"),
        ("a.TS C:\\src\\a.mts", "typescript"),
        ("config.h.in", "c"),
        (".gitignore .dockerignore", "ignore"),
        ("Cargo.lock pyproject.toml", "toml"),
    ],
)
def test_a_file_name_gives_the_language(files: str, language: str) -> None:
    found = {name: detect_language(Document("x", "", path=name)) for name in files.split()}
    assert found == dict.fromkeys(files.split(), language)


@pytest.mark.parametrize("file", ["go", "README", "a", "untitled:1", "x.unknown", "sh"])
def test_other_file_names_give_no_language(file: str) -> None:
    assert detect_language(Document(file, "")) == ""


@pytest.mark.parametrize(
    ("document", "language"),
    [
        (Document("file:///a.py", "", "Rust"), "rust"),
        (Document("file:///a.py", "", "plaintext"), "python"),
        (Document("file:///a.txt", "", ""), "plaintext"),
        (Document("file:///x", "", "text"), "plaintext"),
        (Document("file:///My%20Makefile/Makefile?x", ""), "makefile"),
        (Document("vscode-notebook-cell:/w/nb.ipynb#W0sZmlsZQ%3D%3D", "x = 1"), "python"),
        (Document("file:///nb.ipynb", '{"cells": []}'), "json"),
        (Document("file:///run", "#!/bin/sh\n"), "shellscript"),
        (Document("file:///run", "#!/usr/bin/env python3.12\n", "plaintext"), "python"),
        (Document("file:///run", "#!/usr/bin/env -S node --harmony\r\n"), "javascript"),
        (Document("file:///run", "#!/usr/bin/make -f\n", "text"), "makefile"),
        (Document("file:///run", "#! not a path"), ""),
        (Document("file:///run", "x\n#!/bin/sh"), ""),
    ],
)
def test_the_id_decides_then_the_name_then_the_first_line(
    document: Document, language: str
) -> None:
    assert detect_language(document) == language


@pytest.mark.parametrize(
    ("language", "listed", "expected"),
    [
        ("sh", ["bash"], True),
        ("shellscript", ["bash"], True),
        ("bash", ["shellscript"], True),
        ("python", ["Python"], True),
        ("yaml.docker-compose", ["yaml"], True),
        ("dockercompose", ["dockercompose"], True),
        ("yaml", ["dockercompose"], False),
        ("typescript", ["javascript"], False),
        ("", ["plaintext"], False),
        ("frobnicate", ["frobnicate"], True),
    ],
)
def test_a_list_of_languages_may_use_the_names_of_any_editor(
    language: str, listed: list[str], expected: bool
) -> None:
    assert is_among(Document("file:///x", "", language), listed) is expected


def test_a_file_name_counts_for_a_list_of_languages() -> None:
    assert is_among(Document("file:///Makefile", ""), ["make"])


@pytest.mark.parametrize("table", [name for name in vars(language_ids) if name.endswith("_OF")])
def test_no_name_belongs_to_two_languages(table: str) -> None:
    names = " ".join(vars(language_ids)[table].values()).split()
    assert sorted(names) == sorted(set(names))


def test_a_synonym_is_no_language_of_its_own() -> None:
    ours = language_ids._OUR_IDS
    assert not ours & set(language_ids._SYNONYMS) and not ours & set(language_ids._DIALECTS)
