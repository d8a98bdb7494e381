// Checks the format of the plugin with StyLua and lists each file that is not formatted.
// With --write, formats those files.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Config, formatCode, IndentType, OutputVerification, QuoteStyle } from '@johnnymorganz/stylua';

const PLUGIN = new URL('..', import.meta.url).pathname;
const ENUMS = { indent_type: IndentType, quote_style: QuoteStyle };
const isWriting = process.argv.includes('--write');

function readConfig() {
  const config = Config.new();
  const settings = readFileSync(`${PLUGIN}stylua.toml`, 'utf8').matchAll(/^(\w+) = (.+)$/gm);
  for (const [, name, value] of settings) {
    const parsed = JSON.parse(value);
    config[name] = ENUMS[name] ? ENUMS[name][parsed] : parsed;
  }
  return config;
}

const files = readdirSync(PLUGIN, { recursive: true })
  .filter((file) => file.endsWith('.lua') && !file.includes('node_modules'));
const unformatted = files.filter((file) => {
  const code = readFileSync(PLUGIN + file, 'utf8');
  const formatted = formatCode(code, readConfig(), undefined, OutputVerification.None);
  if (isWriting) writeFileSync(PLUGIN + file, formatted);
  return formatted !== code;
});
for (const file of unformatted) console.log(`${isWriting ? 'formatted' : 'not formatted'}: ${file}`);
process.exitCode = unformatted.length && !isWriting ? 1 : 0;
