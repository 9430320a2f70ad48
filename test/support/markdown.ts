import { readFileSync } from 'node:fs'

/** A fenced code block, and the heading that it stands under. */
export interface CodeBlock {
  readonly heading: string
  readonly language: string
  readonly code: string
}

export function codeBlocks(markdown: string): CodeBlock[] {
  const blocks: CodeBlock[] = []
  let heading = ''
  for (const [, title, language, code] of markdown.matchAll(/^#+ (.+)$|^```(\w+)\n([^]*?)^```$/gm)) {
    if (title !== undefined) heading = title
    else blocks.push({ heading, language: language ?? '', code: code ?? '' })
  }
  return blocks
}

export function readText(url: URL): string {
  return readFileSync(url, 'utf8')
}
