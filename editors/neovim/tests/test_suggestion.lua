local equal = dofile(vim.fs.dirname(debug.getinfo(1, 'S').source:sub(2)) .. '/equal.lua')
local suggestion = require('copilotd.suggestion')

local function rest(text, typed, after, tail)
  return suggestion.rest({ text = text, head = '', tail = tail or '' }, typed, after or '')
end

local function pieces(text, after)
  return suggestion.drawing(rest(text, '', after)).inline
end

return {
  ['what was typed of it is taken off'] = function()
    equal(rest('a, b):', 'a, ').text, 'b):')
  end,
  ['typing a line end goes on in the next line'] = function()
    equal(rest('x:\n    y', 'x:\n').text, '    y')
  end,
  ['other text ends it'] = function()
    equal(rest('a, b):', 'x'), nil)
  end,
  ['nothing is left when all is typed'] = function()
    equal(rest('ab', 'ab'), nil)
  end,
  ['a change behind the cursor ends it'] = function()
    equal(rest('a', '', ' + 2', ' + 1'), nil)
  end,
  ['a bracket behind the cursor is found in it'] = function()
    equal(rest('a, b):', '', ')').marks, { 5 })
  end,
  ['the last one in the first line is meant'] = function()
    equal(rest('f(a)):\n  g()', '', ')').marks, { 5 })
  end,
  ['brackets on later lines are found too'] = function()
    equal(rest('\n  a\n)', '', ')').marks, { 6 })
  end,
  ['a bracket that it does not bring ends it'] = function()
    equal(rest('a, b', '', ')'), nil)
  end,
  ['a letter behind the cursor ends it'] = function()
    equal(rest('abc', '', 'c'), nil)
  end,
  ['a word brings the blanks before it'] = function()
    equal(suggestion.word('  foo_1(x)'), '  foo_1')
    equal(suggestion.word('\n    return x'), '\n    return')
  end,
  ['signs are a word of their own'] = function()
    equal(suggestion.word(' += x'), ' +=')
  end,
  ['letters of every language make words'] = function()
    equal(suggestion.word('größe = 1'), 'größe')
  end,
  ['blanks at the end are a word'] = function()
    equal(suggestion.word('  '), '  ')
  end,
  ['a line ends before its line end'] = function()
    equal(suggestion.line('a\nb'), 'a')
  end,
  ['after a line end the next line is meant'] = function()
    equal(suggestion.line('\nb\nc'), '\nb')
  end,
  ['what is there is not drawn again'] = function()
    equal(pieces('a, b):', ')'), { { offset = 0, text = 'a, b' }, { offset = 1, text = ':' } })
    equal(pieces('"x"])', '])'), { { offset = 0, text = '"x"' } })
  end,
  ['further lines are drawn below'] = function()
    equal(suggestion.drawing(rest('a\n\nb', '')).lines, { '', 'b' })
  end,
  ['a bracket that moves down is hidden'] = function()
    equal(suggestion.drawing(rest('\n  a\n)', '', ')')).hidden, 1)
  end,
  ['a part replaces the brackets that it brings'] = function()
    equal(suggestion.replaced(rest('a, b):', '', ')'), 'a, b'), 0)
    equal(suggestion.replaced(rest('a, b):', '', ')'), 'a, b)'), 1)
  end,
}
