import * as vscode from 'vscode';
import type { Code, Turn } from './turn';

const MOST_CHARACTERS = 6000;

/** The code that a question is about, and what the editor reports on it. */
export interface Subject {
  code: Code;
  diagnostics: string[];
}

/** What is selected, in whole lines; undefined if nothing is. */
export function selected(editor = vscode.window.activeTextEditor): Subject | undefined {
  if (!editor || editor.selection.isEmpty) return undefined;
  return subject(editor.document, lines(editor.document, editor.selection));
}

/** What is selected, or else the file, or else of a long file what is on the screen. */
export function nearest(editor = vscode.window.activeTextEditor): Subject | undefined {
  if (!editor) return undefined;
  const { document } = editor;
  const whole = lines(document, new vscode.Range(0, 0, document.lineCount, 0));
  const [visible] = editor.visibleRanges;
  const small = document.offsetAt(whole.end) <= MOST_CHARACTERS;
  return (
    selected(editor) ?? subject(document, small || !visible ? whole : lines(document, visible))
  );
}

/** The range from the first line's begin to the last line's end. */
export function lines(document: vscode.TextDocument, range: vscode.Range): vscode.Range {
  const { start, end } = document.validateRange(range);
  // A selection of whole lines ends before the first character of the next.
  const last = end.character === 0 && end.line > start.line ? end.line - 1 : end.line;
  return new vscode.Range(start.line, 0, last, document.lineAt(last).text.length);
}

/** What the editor reports on a range, a sentence each. */
export function reported(document: vscode.TextDocument, range: vscode.Range): string[] {
  return vscode.languages
    .getDiagnostics(document.uri)
    .filter((diagnostic) => diagnostic.range.intersection(range))
    .map(({ range: { start }, message }) => `line ${start.line + 1}: ${message}`);
}

/** The turn with the subject, if there is one. */
export function about(turn: Turn, found: Subject | undefined): Turn {
  return found ? { ...turn, ...found } : turn;
}

function subject(document: vscode.TextDocument, range: vscode.Range): Subject {
  const code = {
    text: document.getText(range),
    path: vscode.workspace.asRelativePath(document.uri),
    language: document.languageId,
    line: range.start.line,
  };
  return { code, diagnostics: reported(document, range) };
}
