import * as vscode from 'vscode';
import type { Client } from './client';
import { formatError } from './errors';

/** The API of VS Code's git extension, as far as it is used here. */
interface Git {
  getAPI(version: 1): { repositories: Repository[] };
}

interface Repository {
  rootUri: vscode.Uri;
  inputBox: { value: string };
  diff(staged: boolean): Promise<string>;
}

/** Write a message for the staged changes, or for all changes if none are staged. */
export async function writeCommitMessage(
  client: Client,
  control?: { rootUri?: vscode.Uri },
): Promise<void> {
  const repository = await findRepository(control?.rootUri);
  if (!repository) return void vscode.window.showInformationMessage('No git repository is open.');
  const diff = (await repository.diff(true)) || (await repository.diff(false));
  if (!diff) return void vscode.window.showInformationMessage('There are no changes to describe.');
  const location = vscode.ProgressLocation.SourceControl;
  await vscode.window.withProgress({ location, cancellable: true }, (_, token) =>
    streamMessage(client, repository, diff, token),
  );
}

async function streamMessage(
  client: Client,
  { inputBox }: Repository,
  diff: string,
  token: vscode.CancellationToken,
): Promise<void> {
  const before = inputBox.value;
  inputBox.value = '';
  const append = (delta: string) => {
    inputBox.value += delta;
  };
  try {
    const method = 'copilotd/commitMessage';
    const answer = client.stream<{ message: string }>(method, { diff }, append, token);
    inputBox.value = (await answer).message;
  } catch (error) {
    inputBox.value = before;
    if (token.isCancellationRequested) return;
    void vscode.window.showErrorMessage(`copilotd: ${formatError(error)}`);
  }
}

async function findRepository(root: vscode.Uri | undefined): Promise<Repository | undefined> {
  const git = vscode.extensions.getExtension<Git>('vscode.git');
  const repositories = (await git?.activate())?.getAPI(1).repositories ?? [];
  const wanted = root?.toString();
  return repositories.find(({ rootUri }) => rootUri.toString() === wanted) ?? repositories[0];
}
