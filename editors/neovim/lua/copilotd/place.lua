--- Knows where ghost text cannot be inserted, and where it would disturb.
local M = {}

local client = require('copilotd.client')

--- Why ghost text cannot be inserted into a buffer, or nil if it can. Plugins that edit remote files
--- use the type `acwrite`.
---@param bufnr integer
---@return string?
function M.get_obstacle(bufnr)
  local buftype = vim.bo[bufnr].buftype
  if buftype ~= '' and buftype ~= 'acwrite' then
    return 'off in ' .. buftype .. ' buffers'
  elseif not vim.bo[bufnr].modifiable then
    return 'off where nothing can be changed'
  elseif M.has_unnamed_twin(bufnr) then
    return 'off in several buffers without a name'
  end
end

--- Whether the server follows another buffer without a name: it cannot tell them apart.
---@param bufnr integer
---@return boolean
function M.has_unnamed_twin(bufnr)
  local server = vim.api.nvim_buf_get_name(bufnr) == '' and client.get(bufnr)
  for other in pairs(server and server.attached_buffers or {}) do
    if other ~= bufnr and vim.api.nvim_buf_is_loaded(other) and vim.api.nvim_buf_get_name(other) == '' then
      return true
    end
  end
  return false
end

--- Whether the user fills in a snippet of Neovim or of LuaSnip. `<Tab>` jumps in it then.
---@return boolean
function M.is_in_snippet()
  if vim.snippet.active() then
    return true
  end
  local luasnip = package.loaded.luasnip
  if type(luasnip) ~= 'table' or type(luasnip.locally_jumpable) ~= 'function' then
    return false
  end
  local ok, can_jump = pcall(luasnip.locally_jumpable, 1)
  return ok and can_jump == true
end

return M
