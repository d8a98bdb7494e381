// Chats with a tool by OpenAI's package, and prints what came back as JSON.
import OpenAI from 'openai';

const [, , baseURL, question] = process.argv;
const client = new OpenAI({ baseURL, apiKey: 'any' });
const parameters = {
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
};
const tool = { name: 'get_weather', description: 'The weather of a city, now.', parameters };

const runner = client.chat.completions.stream({
  model: 'any',
  temperature: 0,
  messages: [{ role: 'user', content: question }],
  tools: [{ type: 'function', function: tool }],
});
let pieces = 0;
runner.on('chunk', () => {
  pieces += 1;
});
const { choices } = await runner.finalChatCompletion();
const { name, arguments: said } = choices[0].message.tool_calls[0].function;
const models = await client.models.list();
console.log(JSON.stringify({ name, arguments: JSON.parse(said), pieces, models: models.data.length }));
