import { QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { followServer, queryClient } from './queries';
import { StockCard } from './StockCard';

export function mount(target: HTMLElement): () => void {
  const stop = followServer();
  const root = createRoot(target);
  root.render(
    <StrictMode>
      <QueryClientProvider client={queryClient}>
        <StockCard />
      </QueryClientProvider>
    </StrictMode>,
  );
  return () => {
    root.unmount();
    stop();
    queryClient.clear();
  };
}
