local equal = dofile(vim.fs.dirname(debug.getinfo(1, 'S').source:sub(2)) .. '/equal.lua')
local difference = require('copilotd.difference')

return {
  ['equal texts have none'] = function()
    equal(difference.between({ 'a', 'b' }, { 'a', 'b' }), { removed = {}, added = {} })
  end,
  ['a changed line goes, and the new one comes below it'] = function()
    local expected = { removed = { 1 }, added = { { row = 1, above = false, lines = { 'x' } } } }
    equal(difference.between({ 'a', 'b', 'c' }, { 'a', 'x', 'c' }), expected)
  end,
  ['lines are added behind the one before them'] = function()
    local expected = { removed = {}, added = { { row = 0, above = false, lines = { 'x', 'y' } } } }
    equal(difference.between({ 'a', 'b' }, { 'a', 'x', 'y', 'b' }), expected)
  end,
  ['lines at the top come above the first one'] = function()
    local expected = { removed = {}, added = { { row = 0, above = true, lines = { 'x' } } } }
    equal(difference.between({ 'a' }, { 'x', 'a' }), expected)
  end,
  ['all lines can go'] = function()
    equal(difference.between({ 'a', 'b' }, {}), { removed = { 0, 1 }, added = {} })
  end,
}
