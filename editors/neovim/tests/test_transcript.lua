local assert_equal = dofile(vim.fs.dirname(debug.getinfo(1, 'S').source:sub(2)) .. '/assert_equal.lua')
local transcript = require('copilotd.chat.transcript')

local FENCED = { 'So:', '```lua', 'a = 1', '', 'b = 2', '```', 'Done.', '```', 'c', '```' }

return {
  ['the draft is the text below the last heading'] = function()
    assert_equal(
      transcript.get_draft({ '## You', 'one', '## copilotd', 'x', '## You', '', 'two', 'three', '' }),
      'two\nthree'
    )
  end,
  ['without a heading there is no draft'] = function()
    assert_equal(transcript.get_draft({ 'text' }), '')
  end,
  ['a known word after a slash is a command'] = function()
    assert_equal(transcript.parse_message('/fix it'), { role = 'user', content = 'it', command = 'fix' })
    assert_equal(transcript.parse_message('/doc'), { role = 'user', content = '', command = 'doc' })
  end,
  ['another word after a slash is text'] = function()
    assert_equal(transcript.parse_message('/usr/bin'), { role = 'user', content = '/usr/bin' })
  end,
  ['a code block is found from each of its lines'] = function()
    for _, row in ipairs({ 2, 4, 6 }) do
      assert_equal(transcript.get_code_block(FENCED, row), { 'a = 1', '', 'b = 2' })
    end
    assert_equal(transcript.get_code_block(FENCED, 9), { 'c' })
  end,
  ['between code blocks there is none'] = function()
    assert_equal(transcript.get_code_block(FENCED, 1), nil)
    assert_equal(transcript.get_code_block(FENCED, 7), nil)
  end,
}
