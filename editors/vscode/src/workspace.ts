import * as vscode from 'vscode';
import type { Middleware } from 'vscode-languageclient';

/** The diagnostics of one file, or of all files, in the format of compiler output. */
export function collectDiagnostics({ uri }: { uri: string | null }): { diagnostics: string[] } {
  const path = uri === null ? undefined : vscode.Uri.parse(uri).fsPath;
  const files = vscode.languages
    .getDiagnostics()
    .filter(([file]) => file.scheme === 'file' && (!path || file.fsPath === path));
  return {
    diagnostics: files.flatMap(([file, list]) => list.map((one) => formatDiagnostic(file, one))),
  };
}

function formatDiagnostic(
  file: vscode.Uri,
  { range, severity, message }: vscode.Diagnostic,
): string {
  const { line, character } = range.start;
  const kind = vscode.DiagnosticSeverity[severity]?.toLowerCase() ?? 'error';
  return `${vscode.workspace.asRelativePath(file)}:${line + 1}:${character + 1}: ${kind}: ${message}`;
}

type ApplyEdit = NonNullable<NonNullable<Middleware['workspace']>['handleApplyEdit']>;

/**
 * Apply an edit and save the files that it changes, because other tools read them from disk. A file
 * that already had unsaved changes stays unsaved.
 */
export const applyAndSaveEdit: ApplyEdit = async (params, next) => {
  const before = new Set(listUnsaved());
  const result = await next(params, new vscode.CancellationTokenSource().token);
  const changed = listUnsaved().filter((document) => !before.has(document));
  await Promise.all(changed.map((document) => document.save()));
  return result;
};

function listUnsaved(): vscode.TextDocument[] {
  return vscode.workspace.textDocuments.filter(({ isDirty }) => isDirty);
}
