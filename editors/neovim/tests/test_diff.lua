local assert_equal = dofile(vim.fs.dirname(debug.getinfo(1, 'S').source:sub(2)) .. '/assert_equal.lua')
local diff = require('copilotd.diff')

return {
  ['equal texts have no changes'] = function()
    assert_equal(diff.compare({ 'a', 'b' }, { 'a', 'b' }), { removed = {}, added = {} })
  end,
  ['a changed line is removed, and the new line is added below it'] = function()
    local expected = { removed = { 1 }, added = { { row = 1, above = false, lines = { 'x' } } } }
    assert_equal(diff.compare({ 'a', 'b', 'c' }, { 'a', 'x', 'c' }), expected)
  end,
  ['added lines are below the line before them'] = function()
    local expected = { removed = {}, added = { { row = 0, above = false, lines = { 'x', 'y' } } } }
    assert_equal(diff.compare({ 'a', 'b' }, { 'a', 'x', 'y', 'b' }), expected)
  end,
  ['lines added at the top are above the first line'] = function()
    local expected = { removed = {}, added = { { row = 0, above = true, lines = { 'x' } } } }
    assert_equal(diff.compare({ 'a' }, { 'x', 'a' }), expected)
  end,
  ['all lines can be removed'] = function()
    assert_equal(diff.compare({ 'a', 'b' }, {}), { removed = { 0, 1 }, added = {} })
  end,
}
