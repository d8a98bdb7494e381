--- The settings: their defaults, and the check of what the user sets.
local M = {}

---@class copilotd.Settings
M.defaults = {
  --- Request ghost text after every key; if false, only when the user asks for it.
  auto = true,
  --- Filetypes with and without ghost text; '*' stands for every other filetype.
  filetypes = { ['*'] = true },
  --- Keys in insert mode, or false. Without ghost text, a key does what it did before.
  keymaps = {
    accept = '<Tab>',
    accept_word = '<M-Right>',
    accept_line = '<M-C-Right>',
    dismiss = '<C-]>',
    trigger = '<M-Bslash>',
  },
  --- Keys in normal mode while the diff of an edit is shown.
  edit = { accept = '<CR>', reject = '<Esc>' },
  --- The width of the chat window, as a fraction of the columns.
  chat = { width = 0.4 },
  --- Let the chat model use tools in the workspace. It asks before it changes anything.
  tools = false,
}

---@type copilotd.Settings
M.current = vim.deepcopy(M.defaults)

local function is_fraction(value)
  return type(value) == 'number' and value > 0 and value < 1
end

local function is_key(value)
  return value == false or (type(value) == 'string' and value ~= '')
end

local function is_boolean(value)
  return type(value) == 'boolean'
end

---@class copilotd.Rule
---@field is_valid fun(value: any): boolean
---@field expected string what a valid value is, for the error message
---@field allows_any_key? boolean whether the table may have keys that the defaults lack

---@type table<string, copilotd.Rule>
local RULES = {
  auto = { is_valid = is_boolean, expected = 'true or false' },
  filetypes = { is_valid = is_boolean, expected = 'true or false', allows_any_key = true },
  keymaps = { is_valid = is_key, expected = 'a key such as "<Tab>", or false' },
  edit = { is_valid = is_key, expected = 'a key such as "<CR>", or false' },
  chat = { is_valid = is_fraction, expected = 'a number between 0 and 1' },
  tools = { is_valid = is_boolean, expected = 'true or false' },
}

--- Sets the settings that are valid, and uses the defaults for all others.
---@param settings? table
---@return string[] errors one sentence for each invalid setting
function M.set(settings)
  M.current = vim.deepcopy(M.defaults)
  if settings ~= nil and type(settings) ~= 'table' then
    return { ('the settings must be a table, not a %s'):format(type(settings)) }
  end
  local errors = {}
  for name, value in vim.spairs(settings or {}) do
    M.set_one(tostring(name), value, errors)
  end
  return errors
end

---@param name string
---@param value any
---@param errors string[] gets a sentence for each invalid value
function M.set_one(name, value, errors)
  local rule, default = RULES[name], M.defaults[name]
  if not rule then
    table.insert(errors, ('there is no setting `%s`'):format(name))
  elseif type(default) ~= 'table' then
    M.current[name] = M.validate(name, value, default, rule, errors)
  elseif type(value) ~= 'table' then
    table.insert(errors, M.format_error(name, 'a table', value, default))
  else
    for key, entry in vim.spairs(value) do
      local path = ('%s.%s'):format(name, key)
      if default[key] == nil and not rule.allows_any_key then
        table.insert(errors, ('there is no setting `%s`'):format(path))
      else
        M.current[name][key] = M.validate(path, entry, default[key], rule, errors)
      end
    end
  end
end

--- The value if it is valid, or else the default.
---@param rule copilotd.Rule
function M.validate(path, value, default, rule, errors)
  if rule.is_valid(value) then
    return value
  end
  table.insert(errors, M.format_error(path, rule.expected, value, default))
  return default
end

---@return string
function M.format_error(path, expected, value, default)
  local sentence = ('`%s` must be %s, not %s'):format(path, expected, vim.inspect(value))
  if default == nil then
    return sentence
  end
  return ('%s; its default is used: %s'):format(
    sentence,
    vim.inspect(default, { newline = ' ', indent = '' })
  )
end

return M
