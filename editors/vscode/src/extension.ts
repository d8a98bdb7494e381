import * as vscode from 'vscode';
import { LanguageModelProvider } from './chat/languageModel';
import { createParticipant } from './chat/participant';
import { createCommands } from './commands';
import { CodeActionProvider } from './edit/codeActions';
import { formatError } from './errors';
import { createParts } from './parts';

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const parts = createParts(context);
  const { client, statusBar, chat, edits, proposals, explanation } = parts;
  const icon = vscode.Uri.joinPath(context.extensionUri, 'media', 'icon.svg');
  const { vendor } = LanguageModelProvider;
  const kinds = { providedCodeActionKinds: CodeActionProvider.kinds };
  context.subscriptions.push(
    statusBar,
    client,
    proposals,
    explanation,
    vscode.window.registerWebviewViewProvider('copilotd.chat', chat),
    vscode.languages.registerCodeActionsProvider(
      { scheme: 'file' },
      new CodeActionProvider(),
      kinds,
    ),
    vscode.lm.registerLanguageModelChatProvider(vendor, new LanguageModelProvider(client)),
    createParticipant(client, edits, icon),
    ...registerCommands(createCommands(parts)),
  );
  await client.start();
}

// VS Code only logs the error of a failed command. The user sees it here.
function registerCommands(all: ReturnType<typeof createCommands>): vscode.Disposable[] {
  return Object.entries(all).map(([name, run]) =>
    vscode.commands.registerCommand(name, async (...args: never[]) => {
      try {
        return await run(...args);
      } catch (error) {
        void vscode.window.showErrorMessage(`copilotd: ${formatError(error)}`);
      }
    }),
  );
}
