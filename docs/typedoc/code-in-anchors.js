/**
 * Lets the code in a heading count for its anchor, as it does on GitHub: links are written for both.
 *
 * @param {any} parser the markdown-it of TypeDoc
 */
export function codeInAnchors(parser) {
  parser.core.ruler.push('code-in-anchors', (/** @type {any} */ { tokens, Token }) => {
    for (const [i, { type }] of tokens.entries()) if (type === 'heading_open') giveText(tokens[i + 1].children, Token)
  })
}

/**
 * TypeDoc makes an anchor of the texts below a heading. Code is drawn from its content, whatever is below it.
 *
 * @param {any[]} parts
 * @param {any} Token
 */
function giveText(parts, Token) {
  for (const part of parts) {
    if (part.type === 'code_inline') part.children = [Object.assign(new Token('text', '', 0), { content: part.content })]
  }
}
