--- Defines the highlight groups, `<Plug>` maps and the command. Everything else is loaded when it is
--- first used, so that starting Neovim stays fast.

if vim.g.loaded_copilotd then
  return
end
vim.g.loaded_copilotd = true

local function set_highlights()
  local links = { Ghost = 'Comment', Old = 'DiffDelete', New = 'DiffAdd', Hint = 'DiagnosticHint' }
  for name, target in pairs(links) do
    vim.api.nvim_set_hl(0, 'Copilotd' .. name, { link = target, default = true })
  end
end

set_highlights()

local group = vim.api.nvim_create_augroup('copilotd.plugin', {})
vim.api.nvim_create_autocmd('ColorScheme', { group = group, callback = set_highlights })
vim.api.nvim_create_autocmd('LspAttach', {
  group = group,
  callback = function(event)
    local client = vim.lsp.get_client_by_id(event.data.client_id)
    if client and client.name == 'copilotd' then
      require('copilotd.on_attach').attach(client, event.buf)
    end
  end,
})

for _, action in ipairs({ 'accept', 'accept-word', 'accept-line', 'dismiss', 'trigger' }) do
  vim.keymap.set('i', ('<Plug>(copilotd-%s)'):format(action), function()
    return require('copilotd.keymaps').get_keys((action:gsub('-', '_')))
  end, { expr = true, desc = 'copilotd: ' .. action:gsub('-', ' ') })
end

vim.api.nvim_create_user_command('Copilotd', function(call)
  require('copilotd.command').run(call)
end, {
  nargs = '*',
  range = true,
  desc = 'copilotd: chat, edits and switches',
  complete = function(...)
    return require('copilotd.command').complete(...)
  end,
})
