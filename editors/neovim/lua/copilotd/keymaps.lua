--- Maps keys that act on ghost text. Without ghost text, a key does what it did before.
local M = {}

local config = require('copilotd.config')

local FALLBACK = '<Plug>(copilotd-fallback)'

--- The keys that each action types. `<C-g>u` ends the undo step after the accepted text.
local KEYS = {
  accept = "<Cmd>lua require('copilotd').accept()<CR><C-g>u",
  accept_word = "<Cmd>lua require('copilotd').accept_word()<CR><C-g>u",
  accept_line = "<Cmd>lua require('copilotd').accept_line()<CR><C-g>u",
  dismiss = "<Cmd>lua require('copilotd').dismiss()<CR>",
  trigger = "<Cmd>lua require('copilotd').trigger()<CR>",
}

--- The keys that a `<Plug>` map types: those of the action, or none if there is no ghost text.
---@param action string
---@return string
function M.get_keys(action)
  if action == 'trigger' or require('copilotd').visible() then
    return KEYS[action]
  end
  return ''
end

--- Maps the keys of the settings in a buffer.
---@param bufnr integer
function M.map_all(bufnr)
  for action, key in pairs(config.current.keymaps) do
    if key then
      M.map(bufnr, key, action)
    end
  end
end

function M.map(bufnr, key, action)
  local earlier = M.find(vim.api.nvim_buf_get_keymap(bufnr, 'i'), key)
  local description = 'copilotd: ' .. action:gsub('_', ' ')
  if earlier and earlier.desc == description then
    return
  end
  vim.keymap.set('i', key, function()
    local keys = M.get_keys(action)
    return keys ~= '' and keys or M.map_fallback(key, earlier)
  end, { buffer = bufnr, expr = true, remap = true, desc = description })
end

--- Maps `FALLBACK` to what `key` does without this module, and returns it. `earlier` is the buffer's
--- own map of the key, which has priority over a global map.
---@return string
function M.map_fallback(key, earlier)
  local map = earlier or M.find(vim.api.nvim_get_keymap('i'), key)
  if not map then
    vim.keymap.set('i', FALLBACK, key, { buffer = true })
    return FALLBACK
  end
  -- The same map under another key keeps all its properties: an expression, a callback, its script.
  local renamed = vim.tbl_extend('force', map, { lhs = FALLBACK, lhsraw = vim.keycode(FALLBACK), buffer = 1 })
  renamed.lhsrawalt = nil
  vim.fn.mapset('i', false, renamed)
  return FALLBACK
end

function M.find(maps, key)
  local raw = vim.keycode(key)
  for _, map in ipairs(maps) do
    if map.lhsraw == raw or map.lhsrawalt == raw then
      return map
    end
  end
end

return M
