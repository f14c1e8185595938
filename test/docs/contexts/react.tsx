// docs/react.md
import { renderToString } from 'react-dom/server';

declare function toast(text: string): void;

// block 1

console.log(renderToString(<Prices symbol="ACME" />));

// Prints:
// <i>disconnected</i>
