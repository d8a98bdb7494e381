"""Token counts are estimated from the kinds of characters; the counts are Qwen2.5-Coder's."""

import pytest

from copilotd.documents import Document
from copilotd.prompt.anchor import lay_out
from copilotd.prompt.token_estimate import characters_per_token, estimate_tokens, find_end

PYTHON = '''def read_settings(path: Path, defaults: Settings) -> Settings:
    """Return the settings in the file; a missing key has its default."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return defaults
    return replace(defaults, **{key: value for key, value in values.items() if key in KEYS})
'''
GO = """func (s *Store) Find(ctx context.Context, id string) (*Record, error) {
\trow := s.db.QueryRowContext(ctx, "SELECT name, size FROM records WHERE id = ?", id)
\tvar record Record
\tif err := row.Scan(&record.Name, &record.Size); err != nil {
\t\treturn nil, fmt.Errorf("find %q: %w", id, err)
\t}
\treturn &record, nil
}
"""
MINIFIED = (
    "function n(e,t){return e.length>t?e.slice(0,t)+'...':e}var r=function(e){this.q=[];"
    "this.t=e||250};r.prototype.push=function(e){var t=this;return this.q.push(e),clearTimeout("
    "this.h),this.h=setTimeout(function(){t.flush()},this.t),this};module.exports={Queue:r,cut:n};"
)
NUMBERS = "[12, 845, 99120, 3, 77, 1024, 65535, 4, 18, 200, 31415, 92653, 58979, 32384, 62643],\n"
CSV = "2024-01-17,0.51823,12.40117,OK\n2024-01-18,0.60011,13.00952,OK\n"
CHINESE = (
    "计算用户的总分、如果没有任何记录则返回零。配置文件位于主目录下、您可以通过修改该文件来调整缓存大小、"
    "线程数量以及超时时间等参数。\n"
)
JAPANESE = "設定ファイルはホームディレクトリにあります。サーバーを起動すると、接続を待ちます。\n"
RUSSIAN = (
    "Функция принимает два параметра: путь к файлу и кодировку. Если файл не существует, "
    "делается запись в журнал.\n"
)
TEXTS = {
    "python": PYTHON,
    "go": GO,
    "minified": MINIFIED,
    "numbers": NUMBERS,
    "csv": CSV,
    "chinese": CHINESE,
    "japanese": JAPANESE,
    "russian": RUSSIAN,
}
COUNTS = {
    "python": 81,
    "go": 90,
    "minified": 81,
    "numbers": 83,
    "csv": 60,
    "chinese": 40,
    "japanese": 25,
    "russian": 31,
}
"""Tokens of each text."""


@pytest.mark.parametrize("kind", TEXTS)
def test_the_estimate_is_near_the_number_of_tokens(kind: str) -> None:
    assert estimate_tokens(TEXTS[kind]) == pytest.approx(COUNTS[kind], rel=0.15)


@pytest.mark.parametrize("kind", TEXTS)
def test_the_ratio_of_a_file_is_its_own(kind: str) -> None:
    text = TEXTS[kind] * 40
    ratio = len(TEXTS[kind]) / COUNTS[kind]
    assert characters_per_token(text) == pytest.approx(ratio, rel=0.25)


@pytest.mark.parametrize("kind", TEXTS)
def test_a_layout_fills_its_budget_after_the_cursor(kind: str) -> None:
    text = TEXTS[kind] * 40
    layout = lay_out(Document("u", text), len(text) // 2, 2, 300, 300)
    tokens = len(layout.after) * COUNTS[kind] / len(TEXTS[kind])
    assert tokens == pytest.approx(300, rel=0.25)


def test_the_ratio_stays_the_same_while_the_user_types() -> None:
    before, after = PYTHON * 20, PYTHON * 20
    typed = "    for name in sorted(values):\n        print(name, values[name])\n"
    ratios = {characters_per_token(before + typed[:length] + after) for length in range(len(typed))}
    assert len(ratios) == 1


def test_the_ratio_is_that_of_the_whole_file_although_a_sample_is_read() -> None:
    numbers = range(1000)
    text = "".join(f"result_{n} = compute_total(values, {n})\n{n}, {n * n}\n" for n in numbers)
    assert characters_per_token(text) == pytest.approx(len(text) / estimate_tokens(text), rel=0.15)


def test_a_file_of_equal_lines_has_their_ratio() -> None:
    assert characters_per_token(NUMBERS * 500) == pytest.approx(1.03, rel=0.15)


@pytest.mark.parametrize("text", ["", "\n", "   \n\t\n"])
def test_an_empty_file_has_the_ratio_of_code(text: str) -> None:
    assert 3 < characters_per_token(text) < 4


def test_the_end_of_a_budget_is_in_the_text() -> None:
    assert find_end("abc def", 3, 100) == 7
    assert find_end("abc def", 7, 100) == 7
    assert find_end(PYTHON, 10, 0) == 10
    assert 10 < find_end(PYTHON, 10, 20) < len(PYTHON)


def test_a_long_run_of_letters_has_many_tokens() -> None:
    assert estimate_tokens("x" * 300) > 50
