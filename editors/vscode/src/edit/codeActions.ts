import * as vscode from 'vscode';

/** The light bulb: a fix where there is a diagnostic, the other actions where code is selected. */
export class CodeActionProvider implements vscode.CodeActionProvider {
  static readonly kinds = [vscode.CodeActionKind.QuickFix, vscode.CodeActionKind.Refactor];

  provideCodeActions(
    _document: vscode.TextDocument,
    range: vscode.Range,
    { diagnostics }: vscode.CodeActionContext,
  ): vscode.CodeAction[] {
    const [first] = diagnostics;
    const fixes = first ? [createFix(diagnostics, first.range.union(range))] : [];
    return range.isEmpty ? fixes : [...fixes, ...SELECTION_COMMANDS.map(createRefactoring)];
  }
}

const SELECTION_COMMANDS = [
  { title: 'Edit with copilotd…', command: 'copilotd.edit' },
  { title: 'Document with copilotd', command: 'copilotd.document' },
  { title: 'Generate tests with copilotd', command: 'copilotd.generateTests' },
  { title: 'Explain with copilotd', command: 'copilotd.explainCode' },
];

function createFix(
  diagnostics: readonly vscode.Diagnostic[],
  range: vscode.Range,
): vscode.CodeAction {
  const action = new vscode.CodeAction('Fix with copilotd', vscode.CodeActionKind.QuickFix);
  action.command = { title: action.title, command: 'copilotd.fix', arguments: [range] };
  action.diagnostics = [...diagnostics];
  return action;
}

function createRefactoring(command: vscode.Command): vscode.CodeAction {
  const action = new vscode.CodeAction(command.title, vscode.CodeActionKind.Refactor);
  action.command = command;
  return action;
}
