import * as vscode from 'vscode';

/** What the light bulb offers: a fix where something is reported, the rest where code is selected. */
export class Actions implements vscode.CodeActionProvider {
  static readonly kinds = [vscode.CodeActionKind.QuickFix, vscode.CodeActionKind.Refactor];

  provideCodeActions(
    _document: vscode.TextDocument,
    range: vscode.Range,
    { diagnostics }: vscode.CodeActionContext,
  ): vscode.CodeAction[] {
    const [first] = diagnostics;
    const fixes = first ? [fix(diagnostics, first.range.union(range))] : [];
    return range.isEmpty ? fixes : [...fixes, ...SELECTED.map(action)];
  }
}

const SELECTED = [
  { title: 'Edit with copilotd…', command: 'copilotd.edit' },
  { title: 'Document with copilotd', command: 'copilotd.document' },
  { title: 'Generate tests with copilotd', command: 'copilotd.generateTests' },
  { title: 'Explain with copilotd', command: 'copilotd.explainCode' },
];

function fix(diagnostics: readonly vscode.Diagnostic[], range: vscode.Range): vscode.CodeAction {
  const made = new vscode.CodeAction('Fix with copilotd', vscode.CodeActionKind.QuickFix);
  made.command = { title: made.title, command: 'copilotd.fix', arguments: [range] };
  made.diagnostics = [...diagnostics];
  return made;
}

function action(command: vscode.Command): vscode.CodeAction {
  const made = new vscode.CodeAction(command.title, vscode.CodeActionKind.Refactor);
  made.command = command;
  return made;
}
