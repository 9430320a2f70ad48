import { readFileSync } from 'node:fs'

/** A fenced code block and its surroundings in the document. */
export interface CodeBlock {
  /** The heading above it. */
  readonly heading: string
  readonly language: string
  readonly code: string
  /** The line number of its fence, starting at 1. */
  readonly line: number
  /** The comment on the line before it, if any: `<!-- not run: it needs Bun -->`. */
  readonly note: string | undefined
  /** The `text` block right after it, if any. */
  readonly output: string | undefined
}

export function codeBlocks(markdown: string): CodeBlock[] {
  const blocks: CodeBlock[] = []
  let heading = ''
  for (const match of markdown.matchAll(/^#+ (.+)$|^```(\w+)\n([^]*?)^```$/gm)) {
    const [whole, title, language = '', code = ''] = match
    const before = markdown.slice(0, match.index)
    const behind = markdown.slice(match.index + whole.length)
    if (title !== undefined) heading = title
    else blocks.push({ heading, language, code, line: before.split('\n').length, note: noteBefore(before), output: outputBehind(behind) })
  }
  return blocks
}

function noteBefore(text: string): string | undefined {
  return /<!-- (.+) -->\n$/.exec(text)?.[1]
}

function outputBehind(text: string): string | undefined {
  return /^\n\n```text\n([^]*?)^```$/m.exec(text)?.[1]
}

/** The link targets of a document, as written; links in code are skipped. */
export function linksIn(markdown: string): string[] {
  return Array.from(withoutCode(markdown).matchAll(/\]\(([^)\s]+)\)/g), ([, target = '']) => target)
}

/** The anchors that a link to a document may name after its `#`, one for each heading, in GitHub's form. */
export function anchorsIn(markdown: string): string[] {
  const headings = Array.from(withoutFences(markdown).matchAll(/^#+ (.+)$/gm), ([, heading = '']) => slugOf(heading))
  return headings.map((slug, i) => {
    const earlier = headings.slice(0, i).filter((each) => each === slug).length
    return earlier === 0 ? slug : `${slug}-${earlier}`
  })
}

function slugOf(heading: string): string {
  return heading
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
    .replaceAll(' ', '-')
}

function withoutCode(markdown: string): string {
  return withoutFences(markdown).replaceAll(/`[^`\n]*`/g, '')
}

function withoutFences(markdown: string): string {
  return markdown.replaceAll(/^```[^]*?^```$/gm, '')
}

export function readText(url: URL): string {
  return readFileSync(url, 'utf8')
}
