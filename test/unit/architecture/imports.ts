import { readFileSync } from 'node:fs'
import { globSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import ts from 'typescript'

const root = join(import.meta.dirname, '../../..')

/** One import of a source file; `to` is a path below src, or a package's name. */
export type Import = { from: string; to: string; external: boolean; typeOnly: boolean; names: string[] }

export type SourceFile = { path: string; lines: number; imports: Import[] }

/** Every file of src with what it imports, as TypeScript's own parser reads it; dynamic imports are values. */
export function readSources(): SourceFile[] {
  return globSync('src/**/*.ts', { cwd: root }).map((path) => {
    const text = readFileSync(join(root, path), 'utf8')
    const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)
    return { path: path.slice('src/'.length), lines: text.split('\n').length - 1, imports: importsOf(file) }
  })
}

function importsOf(file: ts.SourceFile): Import[] {
  const found: Import[] = []
  const add = (specifier: ts.Node | undefined, typeOnly: boolean, names: string[] = []): void => {
    if (specifier === undefined || !ts.isStringLiteralLike(specifier)) return
    const external = !specifier.text.startsWith('.')
    const to = external
      ? specifier.text
      : relative(join(root, 'src'), join(root, dirname(file.fileName), specifier.text))
    found.push({ from: file.fileName.slice('src/'.length), to, external, typeOnly, names })
  }
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, isTypeOnly(node.importClause), namesOf(node))
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly)
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
      add(node.arguments[0], false)
    ts.forEachChild(node, visit)
  }
  visit(file)
  return found
}

function namesOf({ importClause }: ts.ImportDeclaration): string[] {
  const bindings = importClause?.namedBindings
  return bindings !== undefined && ts.isNamedImports(bindings)
    ? bindings.elements.map(({ name }) => name.text)
    : []
}

/** `import type …`, or every name of it a type: nothing of it is left when it runs. */
function isTypeOnly(clause: ts.ImportClause | undefined): boolean {
  if (clause === undefined) return false
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true
  const bindings = clause.namedBindings
  return (
    clause.name === undefined &&
    bindings !== undefined &&
    ts.isNamedImports(bindings) &&
    bindings.elements.length > 0 &&
    bindings.elements.every((element) => element.isTypeOnly)
  )
}
