import * as vscode from 'vscode';
import { expandToLines } from '../codeSubject';
import type { Proposals } from '../edit/proposals';
import type { CodeSnippet } from '../protocol';

/** The buttons of a code block in an answer. */
export class CodeBlockActions {
  constructor(private readonly proposals: Proposals) {}

  async copy(code: string): Promise<void> {
    await vscode.env.clipboard.writeText(code);
  }

  /** Insert at the cursor, or replace the selection. */
  async insert(code: string): Promise<void> {
    const editor = findTargetEditor();
    if (!editor) return;
    await editor.edit((edit) => edit.replace(editor.selection, code));
    await vscode.window.showTextDocument(editor.document, editor.viewColumn);
  }

  /** Show a diff that replaces `original`, the code of the question, or else the selection. */
  async apply(code: string, original: CodeSnippet | undefined): Promise<void> {
    const editor = findTargetEditor();
    if (!editor) return;
    const { document } = editor;
    const range = findSnippet(document, original) ?? getSelectedLines(editor);
    await this.proposals.show(document, range, range.isEmpty ? `${code}\n` : code);
  }
}

function findTargetEditor(): vscode.TextEditor | undefined {
  const editor = vscode.window.activeTextEditor ?? vscode.window.visibleTextEditors[0];
  if (!editor) void vscode.window.showInformationMessage('Open the file for the code first.');
  return editor;
}

function getSelectedLines({ document, selection }: vscode.TextEditor): vscode.Range {
  return selection.isEmpty
    ? new vscode.Range(selection.active.line, 0, selection.active.line, 0)
    : expandToLines(document, selection);
}

// Searches for the text, because the lines may have moved since the question.
function findSnippet(
  document: vscode.TextDocument,
  snippet: CodeSnippet | undefined,
): vscode.Range | undefined {
  if (!snippet?.text || snippet.path !== vscode.workspace.asRelativePath(document.uri))
    return undefined;
  const start = document.getText().indexOf(snippet.text);
  if (start < 0) return undefined;
  return new vscode.Range(
    document.positionAt(start),
    document.positionAt(start + snippet.text.length),
  );
}
