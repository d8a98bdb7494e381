--- Completion menus: ghost text makes way for them.
local M = {}

local watched = {}

--- Whether a menu is open: Neovim's own, nvim-cmp's or blink.cmp's.
---@return boolean
function M.visible()
  return vim.fn.pumvisible() == 1 or M.is_open('cmp', 'visible') or M.is_open('blink.cmp', 'is_menu_visible')
end

--- Calls `changed` when a menu opens or closes without any change of the text.
---@param group integer
---@param changed fun()
function M.watch(group, changed)
  local soon = vim.schedule_wrap(changed)
  vim.api.nvim_create_autocmd({ 'CompleteChanged', 'CompleteDone' }, { group = group, callback = soon })
  vim.api.nvim_create_autocmd('User', {
    group = group,
    pattern = { 'BlinkCmpMenuOpen', 'BlinkCmpMenuClose' },
    callback = soon,
  })
  vim.api.nvim_create_autocmd('InsertEnter', {
    group = group,
    callback = function()
      M.watch_cmp(soon)
    end,
  })
end

--- nvim-cmp is often loaded late, and has events of its own.
function M.watch_cmp(changed)
  local cmp = package.loaded.cmp
  if type(cmp) == 'table' and cmp.event and watched.cmp ~= cmp then
    watched.cmp = cmp
    cmp.event:on('menu_opened', changed)
    cmp.event:on('menu_closed', changed)
  end
end

--- Asks a menu plugin only if somebody else has loaded it.
function M.is_open(module, method)
  local plugin = package.loaded[module]
  if type(plugin) ~= 'table' or type(plugin[method]) ~= 'function' then
    return false
  end
  local asked, open = pcall(plugin[method])
  return asked and open == true
end

return M
