local here = vim.fs.dirname(debug.getinfo(1, 'S').source:sub(2))
local assert_equal = dofile(here .. '/assert_equal.lua')
local command = require('copilotd.command')
local config = require('copilotd.config')

local function read_file(name)
  return table.concat(vim.fn.readfile(vim.fs.joinpath(vim.fs.dirname(here), name)), '\n')
end

local function parse_settings(text)
  return assert(loadstring('return ' .. assert(text)))()
end

return {
  ['the README shows the defaults'] = function()
    assert_equal(
      parse_settings(read_file('README.md'):match("require%('copilotd'%).setup%((%b{})%)")),
      config.defaults
    )
  end,
  ['the manual shows the defaults'] = function()
    assert_equal(
      parse_settings(read_file('doc/copilotd.txt'):match('The defaults: >lua%s*(%b{})')),
      config.defaults
    )
  end,
  ['the manual lists every subcommand'] = function()
    local manual = read_file('doc/copilotd.txt')
    for _, name in ipairs(command.complete('', 'Copilotd ')) do
      local start = ('\n:Copilotd %s'):format(name)
      local ranged = ('\n:[range]Copilotd %s'):format(name)
      assert(name == 'status' or manual:find(start, 1, true) or manual:find(ranged, 1, true), name)
    end
  end,
}
