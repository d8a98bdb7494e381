/** The state of the server, and its label in the status bar. */
export interface ServerState {
  phase:
    | 'starting'
    | 'stopped'
    | 'downloading'
    | 'loading'
    | 'ready'
    | 'failed'
    | 'paused'
    | 'missing';
  detail: string;
  fraction?: number | null;
}

export const STARTING: ServerState = { phase: 'starting', detail: 'starting' };

const ICONS: Record<ServerState['phase'], string> = {
  starting: 'sync~spin',
  stopped: 'circle-outline',
  downloading: 'cloud-download',
  loading: 'sync~spin',
  ready: 'sparkle',
  failed: 'error',
  paused: 'debug-pause',
  missing: 'error',
};

export function formatLabel(state: ServerState, isThinking = false): string {
  if (state.phase === 'ready') {
    return isThinking ? '$(loading~spin) copilotd' : '$(sparkle) copilotd';
  }
  const percent = state.fraction == null ? '' : ` ${Math.floor(state.fraction * 100)} %`;
  return `$(${ICONS[state.phase]}) copilotd: ${formatPhase(state.phase)}${percent}`;
}

function formatPhase(phase: ServerState['phase']): string {
  // "stopped" would sound final, but the next keystroke loads the model again.
  if (phase === 'stopped') return 'idle';
  return phase === 'missing' ? 'not installed' : phase;
}
