local here = vim.fs.dirname(debug.getinfo(1, 'S').source:sub(2))
local equal = dofile(here .. '/equal.lua')
local command = require('copilotd.command')
local config = require('copilotd.config')

local function read(name)
  return table.concat(vim.fn.readfile(vim.fs.joinpath(vim.fs.dirname(here), name)), '\n')
end

local function settings(text)
  return assert(loadstring('return ' .. assert(text)))()
end

return {
  ['the README has the defaults'] = function()
    equal(settings(read('README.md'):match("require%('copilotd'%).setup%((%b{})%)")), config.defaults)
  end,
  ['the manual has the defaults'] = function()
    equal(settings(read('doc/copilotd.txt'):match('The defaults: >lua%s*(%b{})')), config.defaults)
  end,
  ['the manual has every subcommand'] = function()
    local manual = read('doc/copilotd.txt')
    for _, name in ipairs(command.complete('', 'Copilotd ')) do
      local start = ('\n:Copilotd %s'):format(name)
      local ranged = ('\n:[range]Copilotd %s'):format(name)
      assert(name == 'status' or manual:find(start, 1, true) or manual:find(ranged, 1, true), name)
    end
  end,
}
