"""Names of languages: the ids of all editors, file names, file endings and interpreters.

The ids of VS Code are our own ids. This table is the only place that knows another name: whoever
compares languages compares our ids.
"""

import re
from pathlib import PurePosixPath
from urllib.parse import unquote

_SYNONYMS_OF = {
    "asciidoc": "adoc",
    "asm": "asm68k assembly gas masm nasm s",
    "bat": "batch batchfile cmd dosbatch",
    "bibtex": "bib",
    "c": "c_source ansi-c",
    "clojure": "clj clojurec clojurescript cljs edn",
    "coffeescript": "coffee",
    "cpp": "c++ cxx c-plus-plus",
    "csharp": "cs c# c-sharp csx",
    "cuda-cpp": "cuda",
    "cython": "pyrex pyx",
    "diff": "patch",
    "dockerfile": "containerfile docker",
    "dotenv": "env sh.env",
    "elixir": "ex",
    "erb": "eruby eex html+erb html-erb html.erb ejs rhtml embedded-template",
    "erlang": "erl",
    "fsharp": "f# fs",
    "git-commit": "commit git_commit gitcommit gitcommit-text vscode-git-commit",
    "git-rebase": "git_rebase gitrebase",
    "go": "golang",
    "gomod": "go-mod go.mod gowork go.work go-work",
    "graphql": "gql",
    "handlebars": "glimmer hbs html.handlebars mustache",
    "haskell": "hs lhaskell",
    "hcl": "opentofu opentofu-vars terraform terraform-vars tf tfvars",
    "html": "mhtml xhtml htm",
    "ignore": "gitignore git-ignore dockerignore",
    "ini": "cfg conf-windows dosini gitconfig git-config git_config desktop systemd editorconfig",
    "javascript": "js js2 js3 ecmascript mjs node babel",
    "javascriptreact": "javascript.jsx js.jsx js-jsx jsx jtsx-jsx rjsx",
    "json": "js-json",
    "jsonc": "json5 hjson",
    "julia": "jl",
    "kotlin": "kt kts",
    "latex": "context plaintex tex tex-plain",
    "lisp": "common-lisp commonlisp emacs-lisp elisp lisp-interaction clisp",
    "makefile": "automake bsdmakefile gnumakefile imake makefile-automake makefile-bsdmake"
    " makefile-gmake makefile-gnu makefile-imake make mk",
    "markdown": "gfm md markdown_inline pandoc vimwiki telekasten poly-markdown",
    "matlab": "octave",
    "objective-c": "objc objectivec objective_c",
    "objective-cpp": "objcpp objc++ objective-c++ objectivecpp",
    "ocaml": "ocaml.interface ocaml-interface neocaml tuareg caml",
    "perl": "cperl pl perl5",
    "php": "phps",
    "plaintext": "fundamental no-mode none plain plain-text plain_text text txt",
    "powershell": "ps1 pwsh ps",
    "properties": "conf-javaprop java-properties javaprop jproperties",
    "proto": "proto3 protobuf",
    "pug": "jade",
    "python": "inferior-python py python2 python3 sage snakemake xonsh gyp pythonscript",
    "quarto": "qmd",
    "r": "ess-r rscript s-plus",
    "raku": "perl6",
    "restructuredtext": "rst rest",
    "rmd": "rmarkdown poly-markdown+r",
    "ruby": "enh-ruby rb podspec ruby-on-rails",
    "rust": "rs rustic",
    "scheme": "guile racket scm",
    "shellscript": "bash bats console csh dash ebuild ksh pkgbuild sh sh-script shell"
    " shell-script shell-unix-generic tcsh zsh",
    "sql": "mssql mysql pgsql plpgsql plsql postgres postgresql psql sqlite tsql",
    "starlark": "bazel bazel-build bazel-workspace bzl skylark tiltfile",
    "systemverilog": "sv verilog_systemverilog",
    "toml": "conf-toml",
    "typescript": "ts cts mts deno",
    "typescriptreact": "typescript.tsx ts.tsx tsx jtsx-tsx typescript-jsx",
    "vb": "vbnet vb.net visual-basic",
    "vim": "vimrc vimscript viml vim-script",
    "vue": "vue-html vuejs",
    "xml": "nxml plist svg xsd xsl xslt wsdl ant docbk",
    "yaml": "yml",
}

_DIALECTS_OF = {
    "conf": "conf-colon conf-space conf-unix config nginx pip-requirements requirements tmux",
    "erb": "html-eex phoenix-heex heex eelixir",
    "html": "angular htmlangular htmldjango django django-html django-txt html.twig htmltera jinja"
    " jinja-html jinja2 liquid nunjucks twig blade cshtml razor aspnetcorerazor vento",
    "ini": "conf-desktop confini",
    "json": "jsonl importmap snippets geojson ipynb",
    "markdown": "chatagent instructions prompt skill",
    "plaintext": "log output code-text-binary search-result",
    "shellscript": "sh-posix",
    "yaml": "ansible yaml.ansible yaml.docker-compose dockercompose docker-compose"
    " github-actions-workflow yaml.github yaml.gitlab yaml.helm-values helm cloudformation"
    " azure-pipelines openapi home-assistant clang-format clangformat",
}

_ENDINGS_OF = {
    "asciidoc": "adoc asc",
    "asm": "asm nasm s",
    "astro": "astro",
    "bat": "bat cmd",
    "bibtex": "bib",
    "c": "c h",
    "clojure": "clj cljc cljs edn",
    "cmake": "cmake",
    "coffeescript": "coffee",
    "conf": "conf",
    "cpp": "c++ cc cpp cppm cxx h++ hh hpp hxx inl ino ipp ixx tpp txx",
    "crystal": "cr",
    "csharp": "cs csx",
    "css": "css",
    "cuda-cpp": "cu cuh",
    "cython": "pxd pxi pyx",
    "d": "d",
    "dart": "dart",
    "diff": "diff patch",
    "dockerfile": "containerfile dockerfile",
    "dotenv": "env",
    "elixir": "ex exs",
    "elm": "elm",
    "erb": "eex ejs erb heex leex",
    "erlang": "erl hrl",
    "fish": "fish",
    "fortran": "f f03 f08 f90 f95 for",
    "fsharp": "fs fsi fsx",
    "gdscript": "gd",
    "glsl": "comp frag geom glsl vert",
    "go": "go",
    "graphql": "gql graphql graphqls",
    "groovy": "gradle groovy gvy jenkinsfile",
    "handlebars": "handlebars hbs mustache",
    "haskell": "hs",
    "hcl": "hcl tf tfvars",
    "html": "htm html j2 jinja jinja2 twig xhtml",
    "ignore": "dockerignore gitignore npmignore",
    "ini": "cfg cnf desktop editorconfig gitconfig ini service",
    "java": "java",
    "javascript": "cjs es6 js mjs",
    "javascriptreact": "jsx",
    "json": "geojson har json jsonl webmanifest",
    "jsonc": "code-workspace json5 jsonc",
    "julia": "jl",
    "just": "just",
    "kotlin": "kt kts",
    "latex": "cls ltx sty tex",
    "less": "less",
    "lisp": "cl el lisp lsp",
    "lua": "lua rockspec",
    "luau": "luau",
    "makefile": "mak make makefile mk",
    "markdown": "markdown md mdown mkd",
    "mdx": "mdx",
    "nim": "nim nimble nims",
    "nix": "nix",
    "objective-c": "m",
    "objective-cpp": "mm",
    "ocaml": "ml mli",
    "org": "org",
    "pascal": "dpr pas",
    "perl": "pl pm t",
    "php": "php phtml",
    "plaintext": "text txt",
    "powershell": "ps1 psd1 psm1",
    "prisma": "prisma",
    "properties": "properties",
    "proto": "proto",
    "pug": "jade pug",
    "python": "gyp gypi ipynb py pyi pyw smk",
    "quarto": "qmd",
    "r": "r",
    "raku": "raku rakumod",
    "restructuredtext": "rest rst",
    "rmd": "rmd",
    "ruby": "gemspec podspec rake rb rbi ru",
    "rust": "rs",
    "sass": "sass",
    "scala": "sbt sc scala",
    "scheme": "rkt scm ss",
    "scss": "scss",
    "shellscript": "bash bashrc bats command ebuild ksh profile sh zsh zshrc",
    "solidity": "sol",
    "sql": "ddl dml pgsql sql",
    "starlark": "bazel bzl star",
    "stylus": "styl",
    "svelte": "svelte",
    "swift": "swift",
    "systemverilog": "sv svh",
    "tcl": "tcl",
    "toml": "toml",
    "typescript": "cts mts ts",
    "typescriptreact": "tsx",
    "typst": "typ",
    "vb": "vb vbs",
    "verilog": "v vh",
    "vhdl": "vhd vhdl",
    "vim": "vim vimrc",
    "vue": "vue",
    "xml": "csproj fsproj plist props resx svg targets vbproj wsdl xaml xml xsd xsl xslt",
    "yaml": "yaml yml",
    "zig": "zig zon",
}

_NAMES_OF = {
    "cmake": "cmakelists.txt",
    "conf": ".gitattributes .inputrc codeowners crontab constraints.txt requirements-dev.txt"
    " requirements.txt",
    "dockerfile": "containerfile dockerfile",
    "dotenv": ".env .flaskenv",
    "git-commit": "commit_editmsg merge_msg notes_editmsg squash_msg tag_editmsg edit_description",
    "git-rebase": "git-rebase-todo",
    "gomod": "go.mod go.work",
    "groovy": "jenkinsfile",
    "ignore": ".dockerignore .eslintignore .gitignore .npmignore .prettierignore",
    "ini": ".editorconfig .gitconfig .gitmodules .npmrc .pylintrc .flake8 .coveragerc .tmux.conf",
    "json": ".all-contributorsrc composer.lock flake.lock pipfile.lock",
    "jsonc": ".babelrc .eslintrc .jshintrc .prettierrc jsconfig.json tsconfig.json",
    "just": ".justfile justfile",
    "lisp": ".emacs",
    "makefile": "bsdmakefile gnumakefile makefile makefile.am makefile.in kbuild",
    "meson": "meson.build meson.options meson_options.txt",
    "perl": "cpanfile",
    "python": "pythonstartup sconscript sconstruct snakefile wscript",
    "r": ".rprofile",
    "ruby": ".irbrc .pryrc berksfile brewfile capfile dangerfile fastfile gemfile guardfile podfile"
    " rakefile thorfile vagrantfile",
    "shellscript": ".bash_aliases .bash_login .bash_logout .bash_profile .bashrc .envrc .kshrc"
    " .profile .xinitrc .xprofile .zlogin .zlogout .zprofile .zshenv .zshrc apkbuild bashrc"
    " pkgbuild zshrc",
    "starlark": "buck build module.bazel tiltfile workspace",
    "toml": "cargo.lock pipfile poetry.lock uv.lock pdm.lock",
    "vim": ".exrc .gvimrc .vimrc _vimrc",
    "yaml": ".clang-format .clang-tidy .clangd .condarc",
}

_INTERPRETERS_OF = {
    "elixir": "elixir",
    "erlang": "escript",
    "fish": "fish",
    "javascript": "bun node nodejs",
    "julia": "julia",
    "lua": "lua luajit",
    "makefile": "make gmake",
    "ocaml": "ocaml",
    "perl": "perl",
    "php": "php",
    "powershell": "pwsh",
    "python": "pypy python uv",
    "r": "rscript",
    "ruby": "jruby ruby",
    "scheme": "guile racket",
    "shellscript": "ash bash bats dash ksh sh zsh",
    "tcl": "expect tclsh wish",
    "typescript": "deno ts-node tsx",
}


def _invert(table: dict[str, str]) -> dict[str, str]:
    return {name: language for language, names in table.items() for name in names.split()}


_SYNONYMS = _invert(_SYNONYMS_OF)
_DIALECTS = _invert(_DIALECTS_OF)
_BY_NAME = _invert(_NAMES_OF)
_BY_ENDING = _invert(_ENDINGS_OF)
_BY_INTERPRETER = _invert(_INTERPRETERS_OF)
_OUR_IDS = frozenset({*_SYNONYMS_OF, *_DIALECTS_OF, *_ENDINGS_OF, *_NAMES_OF, *_INTERPRETERS_OF})

_BEFORE_ENDING = re.compile(
    r"(?P<name>\.env|(?:docker|container|make|gnumake|jenkins|vagrant|rake|gem)file)[.-].+"
)
"""A file name whose start names its language: `Dockerfile.dev`, `.env.local`."""
_TEMPLATE = re.compile(r"\.(bak|dist|example|in|orig|sample|template|tmpl|tpl)$")
"""An ending that says nothing about the language; the one before it does."""
_SHEBANG = re.compile(
    r"#!\s*(?:\S*/)?(?:env\s+(?:-\S+\s+|\w+=\S*\s+)*(?:\S*/)?)?(?P<program>[A-Za-z][\w+-]*)"
)


def resolve_synonym(language: str) -> str:
    """Our id of a language that an editor or a user names; an unknown name in lower case.

    A dialect, such as Docker's Compose files, keeps its own name.
    """
    name = language.strip().lower().replace(" ", "-")
    name = name.removeprefix("source.").removesuffix("-mode").removesuffix("-ts")
    return _SYNONYMS.get(name, name)


def resolve_language(language: str) -> str:
    """Our id of the language whose rules apply; a dialect has those of the language around it."""
    name = resolve_synonym(language)
    if _is_known(name):
        return _DIALECTS.get(name, name)
    # Vim joins the types of a file with dots: yaml.ansible, python.django.
    parts = [resolve_synonym(part) for part in name.removeprefix("text.").split(".")]
    return next((_DIALECTS.get(part, part) for part in parts if _is_known(part)), name)


def language_of_path(path: str) -> str:
    """Our id of the language of a file, by its name; empty if it is unknown."""
    name = PurePosixPath(path.replace("\\", "/")).name.lower()
    name = _TEMPLATE.sub("", name) or name
    if name in _BY_NAME:
        return _BY_NAME[name]
    dot, ending = name.rpartition(".")[1:]
    if dot and ending in _BY_ENDING:
        return _BY_ENDING[ending]
    start = _BEFORE_ENDING.fullmatch(name)
    return _BY_NAME.get(start["name"], "") if start else ""


def language_of_uri(uri: str) -> str:
    """Our id of the language of a file, by its URI; empty if it is unknown."""
    # The cells of a notebook differ in the part after the `#`.
    return language_of_path(unquote(re.split("[?#]", uri, maxsplit=1)[0]))


def language_of_shebang(text: str) -> str:
    """Our id of the language that the first line names, as in `#!/usr/bin/env python3`."""
    found = _SHEBANG.match(text[:200].partition("\n")[0])
    program = found["program"].lower() if found else ""
    return _BY_INTERPRETER.get(program) or _BY_INTERPRETER.get(program.rstrip("0123456789.-"), "")


def _is_known(name: str) -> bool:
    return name in _OUR_IDS or name in _DIALECTS
