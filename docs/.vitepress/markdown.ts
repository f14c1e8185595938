import type { MarkdownRenderer } from 'vitepress';

/** Has the blocks of Mermaid drawn. */
export function diagrams(md: MarkdownRenderer): void {
  const fence = md.renderer.rules.fence!;
  md.renderer.rules.fence = (tokens, index, ...rest) => {
    const { info, content } = tokens[index]!;
    if (info !== 'mermaid') return fence(tokens, index, ...rest);
    return `<MermaidDiagram source="${md.utils.escapeHtml(content)}" />`;
  };
}

/** Gives each cell of a table the text of its column's header, which a phone shows beside the cell. */
export function labelledCells(md: MarkdownRenderer): void {
  md.core.ruler.push('labelled-cells', ({ tokens }) => {
    let headers: string[] = [];
    let column = 0;
    for (const [index, token] of tokens.entries()) {
      if (token.type === 'table_open') headers = [];
      if (token.type === 'tr_open') column = 0;
      if (token.type === 'th_open') headers.push(tokens[index + 1]!.children!.map(({ content }) => content).join(''));
      if (token.type === 'td_open') token.attrSet('data-label', headers[column++]!);
    }
  });
}
