local equal = dofile(vim.fs.dirname(debug.getinfo(1, 'S').source:sub(2)) .. '/equal.lua')
local config = require('copilotd.config')

return {
  ['without settings the defaults hold'] = function()
    equal(config.set(nil), {})
    equal(config.current, config.defaults)
  end,
  ['what is given is taken and the rest stays'] = function()
    equal(config.set({ keymaps = { accept = '<C-l>', dismiss = false } }), {})
    equal(config.current.keymaps.accept, '<C-l>')
    equal(config.current.keymaps.dismiss, false)
    equal(config.current.keymaps.trigger, config.defaults.keymaps.trigger)
  end,
  ['any filetype can be named'] = function()
    equal(config.set({ filetypes = { markdown = false } }), {})
    equal(config.current.filetypes, { ['*'] = true, markdown = false })
  end,
  ['a complaint names the key, what it may be and the default'] = function()
    local expected = '`chat.width` must be a number between 0 and 1, not 3; its default is used: 0.4'
    equal(config.set({ chat = { width = 3 } }), { expected })
    equal(config.current.chat.width, 0.4)
  end,
  ['an unknown key is named with its path'] = function()
    equal(config.set({ keymaps = { jump = '<C-j>' } }), { 'there is no setting `keymaps.jump`' })
  end,
  ['one wrong setting leaves the others'] = function()
    equal(#config.set({ auto = 'yes', filetypes = { lua = false } }), 1)
    equal(config.current.auto, true)
    equal(config.current.filetypes.lua, false)
  end,
  ['settings that are no table are refused'] = function()
    equal(config.set('on'), { 'the settings must be a table, not a string' })
    equal(config.current, config.defaults)
  end,
}
