// StyLua over the plugin: names the files that it would write otherwise, or with --write does so.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Config, formatCode, IndentType, OutputVerification, QuoteStyle } from '@johnnymorganz/stylua';

const PLUGIN = new URL('..', import.meta.url).pathname;
const ENUMS = { indent_type: IndentType, quote_style: QuoteStyle };
const write = process.argv.includes('--write');

function config() {
  const made = Config.new();
  const settings = readFileSync(`${PLUGIN}stylua.toml`, 'utf8').matchAll(/^(\w+) = (.+)$/gm);
  for (const [, name, value] of settings) {
    const plain = JSON.parse(value);
    made[name] = ENUMS[name] ? ENUMS[name][plain] : plain;
  }
  return made;
}

const files = readdirSync(PLUGIN, { recursive: true })
  .filter((file) => file.endsWith('.lua') && !file.includes('node_modules'));
const ugly = files.filter((file) => {
  const code = readFileSync(PLUGIN + file, 'utf8');
  const formatted = formatCode(code, config(), undefined, OutputVerification.None);
  if (write) writeFileSync(PLUGIN + file, formatted);
  return formatted !== code;
});
for (const file of ugly) console.log(`${write ? 'formatted' : 'not formatted'}: ${file}`);
process.exitCode = ugly.length && !write ? 1 : 0;
