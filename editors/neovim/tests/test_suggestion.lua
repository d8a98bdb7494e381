local assert_equal = dofile(vim.fs.dirname(debug.getinfo(1, 'S').source:sub(2)) .. '/assert_equal.lua')
local suggestion = require('copilotd.suggestion')

local function compute_remaining(text, typed, after, tail)
  return suggestion.compute_remaining({ text = text, head = '', tail = tail or '' }, typed, after or '')
end

local function get_inline_pieces(text, after)
  return suggestion.create_layout(compute_remaining(text, '', after)).inline
end

return {
  ['typed text is removed from the suggestion'] = function()
    assert_equal(compute_remaining('a, b):', 'a, ').text, 'b):')
  end,
  ['after a typed line end the next line remains'] = function()
    assert_equal(compute_remaining('x:\n    y', 'x:\n').text, '    y')
  end,
  ['other text ends the suggestion'] = function()
    assert_equal(compute_remaining('a, b):', 'x'), nil)
  end,
  ['nothing remains when all is typed'] = function()
    assert_equal(compute_remaining('ab', 'ab'), nil)
  end,
  ['a change after the cursor ends the suggestion'] = function()
    assert_equal(compute_remaining('a', '', ' + 2', ' + 1'), nil)
  end,
  ['a bracket after the cursor is found in the suggestion'] = function()
    assert_equal(compute_remaining('a, b):', '', ')').closers, { 5 })
  end,
  ['the last bracket in the first line is used'] = function()
    assert_equal(compute_remaining('f(a)):\n  g()', '', ')').closers, { 5 })
  end,
  ['brackets on later lines are found too'] = function()
    assert_equal(compute_remaining('\n  a\n)', '', ')').closers, { 6 })
  end,
  ['a bracket that the suggestion lacks ends it'] = function()
    assert_equal(compute_remaining('a, b', '', ')'), nil)
  end,
  ['a letter after the cursor ends the suggestion'] = function()
    assert_equal(compute_remaining('abc', '', 'c'), nil)
  end,
  ['code after the cursor is found in the suggestion that replaces it'] = function()
    local offered = { text = 'INFO, "ä b", 3)  # x', head = 'log(', tail = '', replaced = '"ä b", 3)' }
    local remaining = suggestion.compute_remaining(offered, 'IN', '"ä b", 3)')
    assert_equal(remaining.text, 'FO, "ä b", 3)  # x')
    assert_equal(suggestion.create_layout(remaining).inline, {
      { offset = 0, text = 'FO, ' },
      { offset = 10, text = '  # x' },
    })
  end,
  ['a bracket in front of the code that is replaced is found too'] = function()
    local offered = { text = 'f(a, b)', head = '', tail = '', replaced = 'b' }
    assert_equal(suggestion.compute_remaining(offered, 'f(', ')b'), nil)
    assert_equal(
      suggestion.compute_remaining({ text = 'f(a)b', replaced = 'b', tail = '' }, 'f(', ')b').closers,
      { 2, 3 }
    )
  end,
  ['a word includes the spaces before it'] = function()
    assert_equal(suggestion.get_first_word('  foo_1(x)'), '  foo_1')
    assert_equal(suggestion.get_first_word('\n    return x'), '\n    return')
  end,
  ['punctuation is a word of its own'] = function()
    assert_equal(suggestion.get_first_word(' += x'), ' +=')
  end,
  ['letters of every language are part of words'] = function()
    assert_equal(suggestion.get_first_word('größe = 1'), 'größe')
  end,
  ['spaces at the end are a word'] = function()
    assert_equal(suggestion.get_first_word('  '), '  ')
  end,
  ['a line ends before its line end'] = function()
    assert_equal(suggestion.get_first_line('a\nb'), 'a')
  end,
  ['after a line end the next line is used'] = function()
    assert_equal(suggestion.get_first_line('\nb\nc'), '\nb')
  end,
  ['brackets in the buffer are not drawn again'] = function()
    assert_equal(
      get_inline_pieces('a, b):', ')'),
      { { offset = 0, text = 'a, b' }, { offset = 1, text = ':' } }
    )
    assert_equal(get_inline_pieces('"x"])', '])'), { { offset = 0, text = '"x"' } })
  end,
  ['later lines are drawn below'] = function()
    assert_equal(suggestion.create_layout(compute_remaining('a\n\nb', '')).lines, { '', 'b' })
  end,
  ['a bracket that moves down is hidden'] = function()
    assert_equal(suggestion.create_layout(compute_remaining('\n  a\n)', '', ')')).hidden, 1)
  end,
  ['a part replaces the brackets that it contains'] = function()
    assert_equal(suggestion.count_replaced_bytes(compute_remaining('a, b):', '', ')'), 'a, b'), 0)
    assert_equal(suggestion.count_replaced_bytes(compute_remaining('a, b):', '', ')'), 'a, b)'), 1)
  end,
}
