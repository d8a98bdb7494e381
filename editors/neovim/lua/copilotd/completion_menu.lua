--- Knows whether a completion menu is open. Ghost text is hidden while one is.
local M = {}

local watched = {}

--- Whether a menu is open: Neovim's own, nvim-cmp's or blink.cmp's.
---@return boolean
function M.is_visible()
  return vim.fn.pumvisible() == 1
    or M.is_plugin_menu_open('cmp', 'visible')
    or M.is_plugin_menu_open('blink.cmp', 'is_menu_visible')
end

--- Calls `on_change` when a menu opens or closes, even if the text does not change.
---@param group integer
---@param on_change fun()
function M.watch(group, on_change)
  local schedule = vim.schedule_wrap(on_change)
  vim.api.nvim_create_autocmd({ 'CompleteChanged', 'CompleteDone' }, { group = group, callback = schedule })
  vim.api.nvim_create_autocmd('User', {
    group = group,
    pattern = { 'BlinkCmpMenuOpen', 'BlinkCmpMenuClose' },
    callback = schedule,
  })
  vim.api.nvim_create_autocmd('InsertEnter', {
    group = group,
    callback = function()
      M.watch_cmp(schedule)
    end,
  })
end

--- nvim-cmp has its own events, and is often loaded only when the user begins to type.
function M.watch_cmp(on_change)
  local cmp = package.loaded.cmp
  if type(cmp) == 'table' and cmp.event and watched.cmp ~= cmp then
    watched.cmp = cmp
    cmp.event:on('menu_opened', on_change)
    cmp.event:on('menu_closed', on_change)
  end
end

--- Asks a menu plugin whether its menu is open. Does not load the plugin.
---@param module string
---@param method string
---@return boolean
function M.is_plugin_menu_open(module, method)
  local plugin = package.loaded[module]
  if type(plugin) ~= 'table' or type(plugin[method]) ~= 'function' then
    return false
  end
  local ok, is_open = pcall(plugin[method])
  return ok and is_open == true
end

return M
