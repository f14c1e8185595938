import { NestFactory } from '@nestjs/core';
import { StationModule } from './station.module.js';

if (process.argv[2]) process.env.BROKER_URL = process.argv[2];
const app = await NestFactory.createApplicationContext(StationModule);
app.enableShutdownHooks();
