import * as vscode from 'vscode';
import type { CodeSnippet } from './protocol';

/** A longer file is sent only as far as it is on the screen. */
const MAX_FILE_CHARACTERS = 6000;

/** The code that a question is about, and the diagnostics in it. */
export interface CodeSubject {
  code: CodeSnippet;
  diagnostics: string[];
}

/** The selection, expanded to whole lines; undefined if nothing is selected. */
export function getSelectedCode(editor = vscode.window.activeTextEditor): CodeSubject | undefined {
  if (!editor || editor.selection.isEmpty) return undefined;
  return readCode(editor.document, expandToLines(editor.document, editor.selection));
}

/** The selection; without one the whole file; in a long file only the lines on the screen. */
export function getSelectedOrVisibleCode(
  editor = vscode.window.activeTextEditor,
): CodeSubject | undefined {
  if (!editor) return undefined;
  const { document } = editor;
  const file = expandToLines(document, new vscode.Range(0, 0, document.lineCount, 0));
  const [visible] = editor.visibleRanges;
  const isShort = document.offsetAt(file.end) <= MAX_FILE_CHARACTERS;
  const range = isShort || !visible ? file : expandToLines(document, visible);
  return getSelectedCode(editor) ?? readCode(document, range);
}

/** The range from the start of its first line to the end of its last line. */
export function expandToLines(document: vscode.TextDocument, range: vscode.Range): vscode.Range {
  const { start, end } = document.validateRange(range);
  // A selection of whole lines ends before the first character of the next line.
  const last = end.character === 0 && end.line > start.line ? end.line - 1 : end.line;
  return new vscode.Range(start.line, 0, last, document.lineAt(last).text.length);
}

/** The diagnostics in a range, one sentence each. */
export function listDiagnostics(document: vscode.TextDocument, range: vscode.Range): string[] {
  return vscode.languages
    .getDiagnostics(document.uri)
    .filter((diagnostic) => diagnostic.range.intersection(range))
    .map(({ range: { start }, message }) => `line ${start.line + 1}: ${message}`);
}

function readCode(document: vscode.TextDocument, range: vscode.Range): CodeSubject {
  const code = {
    text: document.getText(range),
    path: vscode.workspace.asRelativePath(document.uri),
    language: document.languageId,
    line: range.start.line,
  };
  return { code, diagnostics: listDiagnostics(document, range) };
}
