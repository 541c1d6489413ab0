// TypeScript in, the JavaScript that its author would have written out.
//
// People read and paste dist/microrest.js, so it has to keep our comments, blank lines and line breaks. The printers of
// esbuild and TypeScript drop some of those; this only cuts. The cutting itself is done by ts-blank-space, which writes a
// space over every character of a type. What is left here is to close the gaps.

import tsBlankSpace from 'ts-blank-space'
import ts from 'typescript'

// Stands for a character that is to go without leaving even a space. It occurs in no source.
const BLANK = '\0'

/**
 * Remove the types from a module, and with each type its comment.
 *
 * @param {string} source
 * @param {string} fileName for messages only
 */
export function stripTypes(source, fileName) {
  const blanked = tsBlankSpace(source, ({ pos }) => {
    const start = pos + source.slice(pos).search(/\S/)
    throw new Error(`${fileName}:${source.slice(0, start).split('\n').length}: this is no type that could be cut out`)
  })
  return endStatements(closeGaps(source, blankTraces(source, blanked)))
}

/**
 * Blank what would leave a trace: whole interfaces, type aliases and declared members with the comment that belongs to
 * each, and the space and the parentheses that a cast needed.
 *
 * @param {string} source
 * @param {string} blanked the same text with its types blanked: same length, same lines
 */
function blankTraces(source, blanked) {
  let text = blanked
  const blank = (/** @type {number} */ start, /** @type {number} */ end) => {
    text = text.slice(0, start) + text.slice(start, end).replace(/[^\n]/g, BLANK) + text.slice(end)
  }
  /** @param {ts.Node} node */
  const visit = (node) => {
    if (isTypeOnly(node)) return blank(startOfAttachedComment(source, node), node.end)
    if (isCast(node)) blank(node.expression.end, node.end)
    if (ts.isParenthesizedExpression(node) && isNeedlessOnceStripped(node)) {
      blank(node.getStart(), node.getStart() + 1)
      blank(node.end - 1, node.end)
    }
    ts.forEachChild(node, visit)
  }
  visit(parse('module.ts', source))
  return text
}

/** @param {ts.Node} node */
function isCast(node) {
  return ts.isAsExpression(node) || ts.isSatisfiesExpression(node)
}

/**
 * `(name as Type)` and `(object.name as Type)` need no parentheses without the cast.
 *
 * @param {ts.ParenthesizedExpression} node
 */
function isNeedlessOnceStripped(node) {
  let inner = node.expression
  if (!isCast(inner) || ts.isNewExpression(node.parent)) return false
  while (isCast(inner)) inner = inner.expression
  if (ts.isOptionalChain(inner)) return false
  return ts.isIdentifier(inner) || ts.isPropertyAccessExpression(inner) || ts.isElementAccessExpression(inner) || ts.isCallExpression(inner)
}

/** @param {ts.Node} node */
function isTypeOnly(node) {
  if (ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) return true
  if (ts.isImportDeclaration(node)) return node.importClause?.isTypeOnly === true
  if (ts.isExportDeclaration(node)) return node.isTypeOnly
  return ts.canHaveModifiers(node) && !!ts.getModifiers(node)?.some((modifier) => modifier.kind === ts.SyntaxKind.DeclareKeyword)
}

/**
 * A comment belongs to what follows it without an empty line between. Above an import stand the file's own opening words.
 *
 * @param {string} source
 * @param {ts.Node} node
 */
function startOfAttachedComment(source, node) {
  let start = node.getStart()
  if (ts.isImportDeclaration(node)) return start
  for (const comment of (ts.getLeadingCommentRanges(source, node.pos) ?? []).reverse()) {
    if (/\n\s*\n/.test(source.slice(comment.end, start))) break
    start = comment.pos
  }
  return start
}

/**
 * Where something was blanked, put back the white space that would have stood there without it.
 *
 * @param {string} source
 * @param {string} blanked
 */
function closeGaps(source, blanked) {
  const isBlanked = (/** @type {number} */ ix) => source[ix] !== blanked[ix]
  return blanked.replace(/[\s\0]+/g, (gap, /** @type {number} */ start) => {
    let first = start
    let last = start + gap.length
    while (first < last && !isBlanked(first)) first++
    if (first === last) return gap
    while (!isBlanked(last - 1)) last--
    const before = source.slice(start, first)
    const after = source.slice(last, start + gap.length)
    const end = start + gap.length
    if (after.includes('\n') || before.includes('\n')) return lineBreaks(before, after, blanked[start - 1] === '{')
    if (after === '' && /[)\],;.]/.test(blanked[end] ?? '')) return ''
    return after || before
  })
}

/**
 * As many line breaks as the fuller side had, but no empty line at the top of a block; then the next line's indentation.
 *
 * @param {string} before
 * @param {string} after
 * @param {boolean} opensBlock
 */
function lineBreaks(before, after, opensBlock) {
  const count = Math.max(...[before, after].map((space) => space.split('\n').length - 1))
  const following = after.includes('\n') ? after : before
  return '\n'.repeat(Math.min(count, opensBlock ? 1 : 2)) + following.slice(following.lastIndexOf('\n') + 1)
}

/**
 * End every statement with a semicolon. The source has none, but rollup adds some, and a mixture would be worse than either.
 *
 * @param {string} code JavaScript
 */
function endStatements(code) {
  const file = parse('module.js', code)
  /** @type {number[]} */
  const ends = []
  /** @param {ts.Node} node */
  const visit = (node) => {
    if (endsWithSemicolon(node) && code[node.end - 1] !== ';') ends.push(node.end)
    ts.forEachChild(node, visit)
  }
  visit(file)
  return ends.sort((a, b) => b - a).reduce((text, end) => text.slice(0, end) + ';' + text.slice(end), code)
}

/** @param {ts.Node} node */
function endsWithSemicolon(node) {
  if (ts.isVariableStatement(node) || ts.isExpressionStatement(node) || ts.isReturnStatement(node)) return true
  if (ts.isThrowStatement(node) || ts.isBreakOrContinueStatement(node) || ts.isDoStatement(node)) return true
  return ts.isImportDeclaration(node) || ts.isExportDeclaration(node) || ts.isExportAssignment(node)
}

/**
 * @param {string} name
 * @param {string} text
 */
function parse(name, text) {
  return ts.createSourceFile(name, text, ts.ScriptTarget.ESNext, true)
}
