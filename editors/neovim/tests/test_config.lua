local assert_equal = dofile(vim.fs.dirname(debug.getinfo(1, 'S').source:sub(2)) .. '/assert_equal.lua')
local config = require('copilotd.config')

return {
  ['without settings the defaults are used'] = function()
    assert_equal(config.set(nil), {})
    assert_equal(config.current, config.defaults)
  end,
  ['given settings are used and the rest keep their defaults'] = function()
    assert_equal(config.set({ keymaps = { accept = '<C-l>', dismiss = false } }), {})
    assert_equal(config.current.keymaps.accept, '<C-l>')
    assert_equal(config.current.keymaps.dismiss, false)
    assert_equal(config.current.keymaps.trigger, config.defaults.keymaps.trigger)
  end,
  ['any filetype is allowed'] = function()
    assert_equal(config.set({ filetypes = { markdown = false } }), {})
    assert_equal(config.current.filetypes, { ['*'] = true, markdown = false })
  end,
  ['an error names the key, the expected value and the default'] = function()
    local expected = '`chat.width` must be a number between 0 and 1, not 3; its default is used: 0.4'
    assert_equal(config.set({ chat = { width = 3 } }), { expected })
    assert_equal(config.current.chat.width, 0.4)
  end,
  ['an unknown key is reported with its path'] = function()
    assert_equal(config.set({ keymaps = { jump = '<C-j>' } }), { 'there is no setting `keymaps.jump`' })
  end,
  ['one invalid setting does not affect the others'] = function()
    assert_equal(#config.set({ auto = 'yes', filetypes = { lua = false } }), 1)
    assert_equal(config.current.auto, true)
    assert_equal(config.current.filetypes.lua, false)
  end,
  ['settings that are not a table are refused'] = function()
    assert_equal(config.set('on'), { 'the settings must be a table, not a string' })
    assert_equal(config.current, config.defaults)
  end,
}
