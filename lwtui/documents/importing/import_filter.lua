-- Makes of a document what lwtui's Markdown can express, and counts what is kept in another form or left out.
-- The counts and the metadata go into the file "counts.json" in the working directory.
local BREAK = "\u{FDD0}" -- a line break within a table cell; the caller writes it as <br>
local CAPTION = "\u{FDD2}" -- before the caption of a table; the caller writes it as a colon
local MEDIA_LIMIT, MEDIA_TOTAL = 20000000, 200000000 -- bytes of one picture and of all, as in pictures.py
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

-- Pages show formulas twice, or as what a browser without formulas can show.
local function tex_of(inlines)
  local text = ""
  for _, inline in ipairs(inlines) do
    if inline.t == "Str" then
      text = text .. inline.text
    elseif inline.t == "Space" or inline.t == "SoftBreak" then
      text = text .. " "
    elseif inline.t == "Superscript" then
      text = text .. "^{" .. tex_of(inline.content) .. "}"
    elseif inline.t == "Subscript" then
      text = text .. "_{" .. tex_of(inline.content) .. "}"
    elseif inline.t == "Strong" then
      text = text .. "\\mathbf{" .. tex_of(inline.content) .. "}"
    elseif inline.content then
      text = text .. tex_of(inline.content)
    end
  end
  return text
end

local function has_math(inlines)
  local found = false
  inlines:walk({Math = function() found = true end})
  return found
end

local function formulas(doc)
  return doc:walk({
    Span = function(span)
      if span.classes:includes("katex-html") or span.classes:includes("MathJax_Preview") then return {} end
      if (span.classes:includes("math") or span.classes:includes("texhtml")) and not has_math(span.content) then
        local text = tex_of(span.content)
        local inner = text:match("^%s*%$%$(.+)%$%$%s*$") or text:match("^%s*%$(.+)%$%s*$") or text
        local display = span.classes:includes("display") or text:match("^%s*%$%$")
        if inner:match("%S") then return pandoc.Math(display and "DisplayMath" or "InlineMath", inner) end
      end
    end,
    Image = function(image)
      if image.classes:includes("mwe-math-fallback-image-inline") or image.classes:includes("mwe-math-fallback-image-display") then
        return {}
      end
    end
  })
end

-- Pandoc takes every formula of an ODT for one on a line of its own.
local function lowered(doc)
  return doc:walk({
    Inlines = function(inlines)
      if #inlines < 2 then return nil end
      return inlines:map(function(inline)
        if inline.t == "Math" then inline.mathtype = "InlineMath" end
        return inline
      end)
    end
  })
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
-- Of a DOCX or ODT, pandoc knows only targets of links that lead back, so the caller tells which heading has which name.
local function linked(doc)
  local targets, titles, headers = {}, {}, {}
  local function name(identifier, header)
    headers[pandoc.utils.stringify(header.content)] = header
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
  local file = io.open("anchors.json", "r")
  if file then
    for anchor, text in pairs(pandoc.json.decode(file:read("a"), false)) do
      if headers[text] then name(anchor, headers[text]) end
    end
    file:close()
  end
  return doc:walk({
    Link = function(link)
      local target = link.target:match("^#(.+)$")
      if link.target:match("^scrivcmt:") then return link.content end
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

-- The lines of the blocks in a cell, as lists of inlines: a cell has neither lists nor tables of its own.
local cell_lines
function cell_lines(blocks)
  local lines = pandoc.List({})
  local function add_items(items, mark)
    for number, item in ipairs(items) do
      local inner = cell_lines(item)
      if inner[1] then inner[1]:insert(1, pandoc.Str(mark(number) .. " ")) end
      lines:extend(inner)
    end
  end
  for _, block in ipairs(blocks) do
    if block.t == "BulletList" then
      add_items(block.content, function() return "•" end)
    elseif block.t == "OrderedList" then
      add_items(block.content, function(number) return (block.start + number - 1) .. "." end)
    elseif block.t == "Table" then
      for _, row in ipairs(all_rows(block)) do
        local line = pandoc.Inlines({})
        for column, cell in ipairs(row.cells) do
          if column > 1 then line:insert(pandoc.Str(" / ")) end
          for part, inner in ipairs(cell_lines(cell.contents)) do
            if part > 1 then line:insert(pandoc.Space()) end
            line:extend(inner)
          end
        end
        lines:insert(line)
      end
    elseif block.t == "CodeBlock" then
      for line in (block.text .. "\n"):gmatch("(.-)\n") do lines:insert(pandoc.Inlines({pandoc.Code(line)})) end
    elseif block.t == "BlockQuote" or block.t == "Div" or block.t == "Figure" then
      lines:extend(cell_lines(block.content))
    else
      lines:insert(pandoc.utils.blocks_to_inlines({block}))
    end
  end
  return lines:filter(function(line) return #line > 0 end)
end

local function joined_cell(blocks)
  local joined = pandoc.Inlines({})
  for number, line in ipairs(cell_lines(blocks)) do
    if number > 1 then joined:insert(pandoc.Str(BREAK)) end
    joined:extend(line)
  end
  return joined:walk({
    LineBreak = function() return pandoc.Str(BREAK) end,
    SoftBreak = function() return pandoc.Space() end
  })
end

-- One cell is layout, not a table: its text is kept as text.
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
      if #caption > 0 then
        local line = pandoc.utils.blocks_to_inlines(caption)
        line:insert(1, pandoc.Str(CAPTION))
        blocks:insert(pandoc.Para(line))
      end
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

-- Pictures that are part of the file go into the folder "media", by numbers; the caller looks at what they are.
local media, media_bytes = pandoc.List({}), 0
local function keep_media(source)
  for number, known in ipairs(media) do
    if known == source then return number end
  end
  local is_data = source:match("^data:")
  local mime, contents = pandoc.mediabag.lookup(source)
  if not contents and is_data then
    local ok, fetched_mime, fetched = pcall(pandoc.mediabag.fetch, source)
    if ok then mime, contents = fetched_mime, fetched end
  end
  if not contents or #contents > MEDIA_LIMIT or media_bytes + #contents > MEDIA_TOTAL then return nil end
  local file = io.open("media/" .. (#media + 1), "wb")
  if not file then return nil end
  file:write(contents)
  file:close()
  media_bytes = media_bytes + #contents
  media:insert(source)
  return #media
end

-- The size of a picture, if it is one of a picture and not that of a page.
local function sizes_of(image)
  local sizes = {}
  for _, name in ipairs({"width", "height"}) do
    local value = image.attributes[name]
    local number, unit = (value or ""):match("^([%d.]+)([%a%%]*)$")
    if tonumber(number) then sizes[name] = string.format("%.2f", tonumber(number)):gsub("%.?0+$", "") .. unit end
  end
  return sizes
end

local function picture(image, caption)
  local number = keep_media(image.src)
  local source = image.src
  if number then
    source = "lwtui-media/" .. number
  elseif source:match("^%a[%w+.-]*:") and not source:match("^https?:") or source == "" or source:match("^/") then
    count("picture")
    return caption
  end
  return pandoc.Image(caption, source, "", pandoc.Attr("", {}, sizes_of(image)))
end

local function only_image(blocks)
  local content = only_paragraph(blocks)
  if content and #content == 1 and content[1].t == "Image" then return content[1] end
end

-- lwtui's Markdown raises and lowers words without spaces and without marks of their own.
local function raised_text(raised)
  local text = pandoc.utils.stringify(raised)
  if text:match("^[^%s%^~\\`$%[%],;:!?]+$") and #text <= 40 then
    raised.content = {pandoc.Str(text)}
    return raised
  end
  return raised.content
end

local NO_LANGUAGES = {sourcecode = true, code = true, highlight = true, literate = true, numberlines = true, numbersource = true}
local function language_of(classes)
  for _, class in ipairs(classes) do
    local name = class:gsub("^lang%-", ""):gsub("^language%-", "")
    if not NO_LANGUAGES[string.lower(name)] and name:match("^[%w+#_-]+$") then return name end
  end
end

local function simplified(doc)
  return doc:walk({
    Image = function(image)
      if image.src:match("^lwtui%-media/") then return nil end
      return picture(image, image.caption)
    end,
    Figure = function(figure)
      local image = only_image(figure.content)
      if image then
        local long = pandoc.utils.blocks_to_inlines(figure.caption.long)
        image.caption = #long > 0 and long or image.caption
        return pandoc.Para({image})
      end
      local blocks = figure.content
      local caption = pandoc.utils.stringify(figure.caption.long)
      -- An implicit figure has its caption twice: as that of the picture too.
      if caption ~= "" and caption ~= pandoc.utils.stringify(blocks) then blocks:extend(figure.caption.long) end
      return blocks
    end,
    Math = function()
      count("formula")
    end,
    Superscript = function(raised) return raised_text(raised) end,
    Subscript = function(raised) return raised_text(raised) end,
    Header = function(header)
      header.attr = pandoc.Attr()
      return header
    end,
    CodeBlock = function(code)
      code.attr = pandoc.Attr("", {language_of(code.classes) or "lwtui-none"})
      return code
    end,
    Code = function(code)
      code.attr = pandoc.Attr()
      return code
    end,
    Link = function(link)
      link.attr = pandoc.Attr()
      return link
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
  doc = strip_revisions(formulas(doc))
  if text_of(doc.meta["lwtui-reader"]) == "odt" then doc = lowered(doc) end
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
