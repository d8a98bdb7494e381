local equal = dofile(vim.fs.dirname(debug.getinfo(1, 'S').source:sub(2)) .. '/equal.lua')
local transcript = require('copilotd.chat.transcript')

local FENCED = { 'So:', '```lua', 'a = 1', '', 'b = 2', '```', 'Done.', '```', 'c', '```' }

return {
  ['the draft is below the last heading'] = function()
    equal(
      transcript.draft({ '## You', 'one', '## copilotd', 'x', '## You', '', 'two', 'three', '' }),
      'two\nthree'
    )
  end,
  ['without a heading there is no draft'] = function()
    equal(transcript.draft({ 'text' }), '')
  end,
  ['a word behind a slash is a command'] = function()
    equal(transcript.message('/fix it'), { role = 'user', content = 'it', command = 'fix' })
    equal(transcript.message('/doc'), { role = 'user', content = '', command = 'doc' })
  end,
  ['any other slash is text'] = function()
    equal(transcript.message('/usr/bin'), { role = 'user', content = '/usr/bin' })
  end,
  ['a block is found from every line of it'] = function()
    for _, row in ipairs({ 2, 4, 6 }) do
      equal(transcript.block(FENCED, row), { 'a = 1', '', 'b = 2' })
    end
    equal(transcript.block(FENCED, 9), { 'c' })
  end,
  ['between blocks there is none'] = function()
    equal(transcript.block(FENCED, 1), nil)
    equal(transcript.block(FENCED, 7), nil)
  end,
}
