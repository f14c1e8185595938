// docs/client-module.md
import { Injectable, Module } from '@nestjs/common';
import type { WebwireClient } from 'nestjs-webwire/client';

interface PricesApi {
  requests: { price: [article: string, reply: number] };
}

// block 1
