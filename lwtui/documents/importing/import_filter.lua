-- Makes of a document what lwtui's Markdown can express, and counts what is kept in another form or left out.
-- The counts and the metadata go into the file "counts.json" in the working directory.
local BREAK = "\u{FDD0}" -- a line break within a table cell; the caller writes it as <br>
local counts = {}

local function count(kind, number)
  counts[kind] = (counts[kind] or 0) + (number or 1)
end

-- A table of contents is left out, because an export generates it again.
local CONTENTS = {["toc heading"] = true, ["toa heading"] = true, ["contents heading"] = true}
local function in_contents(style)
  style = string.lower(style or "")
  return CONTENTS[style] or style:match("^toc %d") or style:match("^contents %d")
end

-- Styles named like the headings of a word processor, in the languages that have their own names.
local HEADINGS = {
  "heading", "überschrift", "titre", "título", "titulo", "titolo", "kop", "rubrik", "overskrift", "otsikko", "nagłówek",
  "nadpis", "заголовок", "başlık", "cabeçalho", "encabezado", "標題", "标题", "見出し", "제목", "chapter head",
  "chapter title", "chapter heading", "chapter"
}
local function heading_level(style)
  -- string.lower leaves letters beyond ASCII alone; pandoc's text library does not.
  style = pandoc.text.lower(style or "")
  for _, name in ipairs(HEADINGS) do
    if style:sub(1, #name) == name then
      local rest = style:sub(#name + 1)
      if rest == "" then return 1 end
      local level = rest:match("^ ?([1-6])$")
      if level then return tonumber(level) end
    end
  end
end

local function strip_revisions(doc)
  return doc:walk({
    Span = function(span)
      if span.classes:includes("deletion") or span.classes:includes("paragraph-deletion") then
        if span.classes:includes("deletion") then count("deleted") end
        return {}
      elseif span.classes:includes("comment-start") then
        count("comment")
        return {}
      elseif span.classes:includes("comment-end") or span.classes:includes("paragraph-insertion") then
        return {}
      elseif span.classes:includes("insertion") then
        return span.content
      end
    end
  })
end

local function only_paragraph(blocks)
  return #blocks == 1 and (blocks[1].t == "Para" or blocks[1].t == "Plain") and blocks[1].content or nil
end

local function styled(doc)
  return doc:walk({
    Header = function(header)
      if header.classes:includes("TOC-Heading") or in_contents(header.attributes["custom-style"]) then return {} end
    end,
    Div = function(div)
      local style = div.attributes["custom-style"]
      if in_contents(style) then return {} end
      local level = heading_level(style)
      local content = level and only_paragraph(div.content)
      if content then return pandoc.Header(level, content) end
      return div.content
    end,
    Span = function(span)
      return span.content
    end
  })
end

local function slug(inlines)
  local name = pandoc.text.lower(pandoc.utils.stringify(inlines))
  return (name:gsub("[%c!-,%./:-@%[-%^`{-~]", ""):gsub(" ", "-"))
end

-- A link to a heading becomes one to the heading's slug; another link within the document loses its target.
local function linked(doc)
  local targets, titles = {}, {}
  local function name(identifier, header)
    if identifier ~= "" and not targets[identifier] then
      targets[identifier] = slug(header.content)
      titles[identifier] = header.content
    end
  end
  doc:walk({
    Header = function(header) name(header.identifier, header) end,
    Div = function(div)  -- an EPUB names the divisions of its chapters
      if div.content[1] and div.content[1].t == "Header" then name(div.identifier, div.content[1]) end
    end
  })
  return doc:walk({
    Link = function(link)
      local target = link.target:match("^#(.+)$")
      if target or link.target == "#" or link.target == "" then
        if target and targets[target] and targets[target] ~= "" then
          link.target = "#" .. targets[target]
          if link.attributes["reference-type"] then link.content = titles[target] end
          return link
        end
        count("inner link")
        return link.content
      end
    end
  })
end

local function joined_cell(blocks)
  local inlines = pandoc.utils.blocks_to_inlines(blocks, {pandoc.Str(BREAK)})
  return inlines:walk({
    LineBreak = function() return pandoc.Str(BREAK) end,
    SoftBreak = function() return pandoc.Space() end
  })
end

local function all_rows(tbl)
  local rows = pandoc.List({})
  rows:extend(tbl.head.rows)
  for _, body in ipairs(tbl.bodies) do
    rows:extend(body.head)
    rows:extend(body.body)
  end
  rows:extend(tbl.foot.rows)
  return rows
end

-- One cell or one column is layout, not a table: its text is kept as text.
local function layout_text(rows)
  local blocks = pandoc.Blocks({})
  for _, row in ipairs(rows) do
    for _, cell in ipairs(row.cells) do blocks:extend(cell.contents) end
  end
  return blocks
end

local function has_one_cell(rows)
  return #rows == 1 and #rows[1].cells == 1
end

-- The cells of each row at their columns: cells that span several are followed or crossed by empty ones.
local function grid(rows, columns)
  local lines, held, spans = {}, {}, false
  for _, row in ipairs(rows) do
    local line, column = {}, 1
    local function skip()
      while column <= columns and (held[column] or 0) > 0 do
        held[column] = held[column] - 1
        line[column] = {}
        column = column + 1
      end
    end
    for _, cell in ipairs(row.cells) do
      skip()
      for part = 1, cell.col_span do
        line[column] = part == 1 and {pandoc.Plain(joined_cell(cell.contents))} or {}
        held[column] = cell.row_span - 1
        column = column + 1
      end
      spans = spans or cell.col_span > 1 or cell.row_span > 1
    end
    skip()
    for rest = column, columns do line[rest] = {} end
    lines[#lines + 1] = line
  end
  return lines, spans
end

local function tabled(doc)
  return doc:walk({
    traverse = "topdown",
    Table = function(tbl)
      local rows = all_rows(tbl)
      if #rows == 0 then return {} end
      local caption = tbl.caption.long
      if has_one_cell(rows) then
        count("layout table")
        local blocks = layout_text(rows)
        blocks:extend(caption)
        return blocks
      end
      local columns = #tbl.colspecs
      for _, row in ipairs(rows) do
        local width = 0
        for _, cell in ipairs(row.cells) do width = width + cell.col_span end
        columns = math.max(columns, width)
      end
      local lines, spans = grid(rows, columns)
      if spans then count("merged table") end
      local aligns, widths = {}, {}
      for column = 1, columns do
        aligns[column] = tbl.colspecs[column] and tbl.colspecs[column][1] or "AlignDefault"
        widths[column] = 0
      end
      -- Markdown has no table without a head.
      local headers = table.remove(lines, 1)
      local simple = pandoc.SimpleTable({}, aligns, widths, headers, lines)
      local blocks = pandoc.Blocks({pandoc.utils.from_simple_table(simple)})
      blocks:extend(caption)
      return blocks, false
    end
  })
end

-- Pandoc separates the paragraphs of a quote when it reads styles.
local function quoted(doc)
  return doc:walk({Blocks = function(blocks)
    local joined = pandoc.Blocks({})
    for _, block in ipairs(blocks) do
      local last = joined[#joined]
      if last and last.t == "BlockQuote" and block.t == "BlockQuote" then
        last.content:extend(block.content)
      else
        joined:insert(block)
      end
    end
    return joined
  end})
end

local function simplified(doc)
  return doc:walk({
    Image = function(image)
      count("picture")
      return image.caption
    end,
    Figure = function(figure)
      local blocks = figure.content
      local caption = pandoc.utils.stringify(figure.caption.long)
      -- An implicit figure has its caption twice: as that of the picture too.
      if caption ~= "" and caption ~= pandoc.utils.stringify(blocks) then blocks:extend(figure.caption.long) end
      return blocks
    end,
    Math = function(math)
      count("formula")
    end,
    Cite = function(cite)
      count("citation", #cite.citations)
      if pandoc.utils.stringify(cite.content) == "" then
        local keys = cite.citations:map(function(citation) return citation.id end)
        return pandoc.Str("[" .. table.concat(keys, ", ") .. "]")
      end
      return cite.content
    end,
    RawInline = function()
      count("raw")
      return {}
    end,
    RawBlock = function()
      count("raw")
      return {}
    end,
    SmallCaps = function(caps)
      return caps.content
    end,
    Underline = function(under)
      return pandoc.Emph(under.content)
    end,
    DefinitionList = function(list)
      local blocks = pandoc.Blocks({})
      for _, item in ipairs(list.content) do
        blocks:insert(pandoc.Para({pandoc.Strong(item[1])}))
        for _, definition in ipairs(item[2]) do blocks:extend(definition) end
      end
      return blocks
    end
  })
end

local function text_of(value)
  if value == nil then return "" end
  if pandoc.utils.type(value) == "List" then
    local names = pandoc.List({})
    for _, part in ipairs(value) do names:insert(text_of(part)) end
    return table.concat(names, ", ")
  end
  if pandoc.utils.type(value) == "table" then return text_of(value.name or value.text or value.title) end
  return pandoc.utils.stringify(value)
end

local function as_blocks(value)
  if value == nil then return pandoc.Blocks({}) end
  if pandoc.utils.type(value) == "Blocks" then return value end
  if pandoc.utils.type(value) == "Inlines" then return pandoc.Blocks({pandoc.Para(value)}) end
  return pandoc.Blocks({pandoc.Para({pandoc.Str(text_of(value))})})
end

function Pandoc(doc)
  doc = strip_revisions(doc)
  local meta = doc.meta
  local opening = pandoc.Blocks({})
  local subtitle = text_of(meta.subtitle)
  if subtitle ~= "" then
    opening:insert(pandoc.Para({pandoc.Emph(pandoc.Inlines(subtitle))}))
    count("subtitle")
  end
  local abstract = as_blocks(meta.abstract)
  if #abstract > 0 then
    opening:extend(abstract)
    count("abstract")
  end
  opening:extend(doc.blocks)
  doc.blocks = opening
  doc = simplified(quoted(tabled(styled(linked(doc)))))
  local file = assert(io.open("counts.json", "w"))
  file:write(pandoc.json.encode({
    counts = counts, title = text_of(meta.title), author = text_of(meta.author or meta.creator), date = text_of(meta.date)
  }))
  file:close()
  return doc
end
