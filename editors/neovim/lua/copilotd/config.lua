--- The settings: their defaults, and what is allowed for each.
local M = {}

---@class copilotd.Settings
M.defaults = {
  --- Ask for ghost text after every key; without it, only where it is asked for by hand.
  auto = true,
  --- Filetypes with and without ghost text; '*' is for those that are not named.
  filetypes = { ['*'] = true },
  --- Keys in insert mode, or false. Without ghost text each does what it did before.
  keymaps = {
    accept = '<Tab>',
    accept_word = '<M-Right>',
    accept_line = '<M-C-Right>',
    dismiss = '<C-]>',
    trigger = '<M-Bslash>',
  },
  --- Keys in normal mode while the difference of an edit is shown.
  edit = { accept = '<CR>', reject = '<Esc>' },
  --- The chat window's share of the columns.
  chat = { width = 0.4 },
  --- Let the chat's model look into the workspace; what changes anything asks first.
  tools = false,
}

---@type copilotd.Settings
M.current = vim.deepcopy(M.defaults)

local function is_share(value)
  return type(value) == 'number' and value > 0 and value < 1
end

local function is_key(value)
  return value == false or (type(value) == 'string' and value ~= '')
end

local function is_boolean(value)
  return type(value) == 'boolean'
end

local KINDS = {
  auto = { is_boolean, 'true or false' },
  filetypes = { is_boolean, 'true or false', open = true },
  keymaps = { is_key, 'a key such as "<Tab>", or false' },
  edit = { is_key, 'a key such as "<CR>", or false' },
  chat = { is_share, 'a number between 0 and 1' },
  tools = { is_boolean, 'true or false' },
}

--- Takes `settings` where they are right, and the defaults for all others.
---@param settings? table
---@return string[] complaints one sentence for each setting that is wrong
function M.set(settings)
  M.current = vim.deepcopy(M.defaults)
  if settings ~= nil and type(settings) ~= 'table' then
    return { ('the settings must be a table, not a %s'):format(type(settings)) }
  end
  local complaints = {}
  for name, value in vim.spairs(settings or {}) do
    M.take(tostring(name), value, complaints)
  end
  return complaints
end

---@param name string
---@param value any
---@param complaints string[]
function M.take(name, value, complaints)
  local kind, default = KINDS[name], M.defaults[name]
  if not kind then
    table.insert(complaints, ('there is no setting `%s`'):format(name))
  elseif type(default) ~= 'table' then
    M.current[name] = M.checked(name, value, default, kind, complaints)
  elseif type(value) ~= 'table' then
    table.insert(complaints, M.complaint(name, 'a table', value, default))
  else
    for key, entry in vim.spairs(value) do
      local path = ('%s.%s'):format(name, key)
      if default[key] == nil and not kind.open then
        table.insert(complaints, ('there is no setting `%s`'):format(path))
      else
        M.current[name][key] = M.checked(path, entry, default[key], kind, complaints)
      end
    end
  end
end

function M.checked(path, value, default, kind, complaints)
  local allowed, wanted = kind[1], kind[2]
  if allowed(value) then
    return value
  end
  table.insert(complaints, M.complaint(path, wanted, value, default))
  return default
end

function M.complaint(path, wanted, value, default)
  local sentence = ('`%s` must be %s, not %s'):format(path, wanted, vim.inspect(value))
  if default == nil then
    return sentence
  end
  return ('%s; its default is used: %s'):format(
    sentence,
    vim.inspect(default, { newline = ' ', indent = '' })
  )
end

return M
