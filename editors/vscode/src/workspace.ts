import * as vscode from 'vscode';
import type { Middleware } from 'vscode-languageclient';

/** What the editor's languages report of one file, or of all: a line each, as compilers do. */
export function diagnostics({ uri }: { uri: string | null }): { diagnostics: string[] } {
  const wanted = uri === null ? undefined : vscode.Uri.parse(uri).fsPath;
  const found = vscode.languages
    .getDiagnostics()
    .filter(([file]) => file.scheme === 'file' && (!wanted || file.fsPath === wanted));
  return { diagnostics: found.flatMap(([file, list]) => list.map((one) => line(file, one))) };
}

function line(file: vscode.Uri, { range, severity, message }: vscode.Diagnostic): string {
  const { line, character } = range.start;
  const kind = vscode.DiagnosticSeverity[severity]?.toLowerCase() ?? 'error';
  return `${vscode.workspace.asRelativePath(file)}:${line + 1}:${character + 1}: ${kind}: ${message}`;
}

type ApplyEdit = NonNullable<NonNullable<Middleware['workspace']>['handleApplyEdit']>;

/** Saves what a tool has changed, unless the user had not saved it either: other tools read it. */
export const applyEdit: ApplyEdit = async (params, next) => {
  const before = new Set(unsaved());
  const result = await next(params, new vscode.CancellationTokenSource().token);
  const changed = vscode.workspace.textDocuments.filter(
    (document) => document.isDirty && !before.has(document),
  );
  await Promise.all(changed.map((document) => document.save()));
  return result;
};

function unsaved(): vscode.TextDocument[] {
  return vscode.workspace.textDocuments.filter(({ isDirty }) => isDirty);
}
