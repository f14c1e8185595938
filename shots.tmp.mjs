import { chromium } from 'playwright-core';
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
const TYPES={'.html':'text/html','.js':'text/javascript','.css':'text/css','.svg':'image/svg+xml','.woff2':'font/woff2','.json':'application/json','.txt':'text/plain'};
const s=createServer(async(q,r)=>{let p=decodeURIComponent(new URL(q.url,'http://x').pathname); if(p.endsWith('/'))p+='index.html'; try{const b=await readFile(join('.site/html',p)); r.setHeader('content-type',TYPES[extname(p)]??'application/octet-stream'); r.end(b);}catch{r.statusCode=404;r.end()}}).listen(0);
const url=`http://localhost:${s.address().port}`;
const b=await chromium.launch({executablePath:'/usr/bin/chromium',args:['--no-sandbox','--disable-gpu']});
const pages=(process.argv[2]??'index,limits,options,PROTOCOL,handlers').split(',');
const sizes={phone:{width:390,height:844},desktop:{width:1440,height:900}};
const full=process.argv.includes('--full');
for(const [n,viewport] of Object.entries(sizes)) for(const scheme of (process.argv[3]??'light,dark').split(',')){
 const c=await b.newContext({viewport,colorScheme:scheme}); const p=await c.newPage();
 p.on('console',m=>{if(['error','warning'].includes(m.type()))console.log(n,p.url(),m.text())}); p.on('pageerror',e=>console.log(n,p.url(),e.message));
 p.on('request',q=>{if(!q.url().startsWith(url)&&!q.url().startsWith('data:'))console.log('OUTSIDE',q.url())});
 for(const name of pages){
  if(name==='search'){ await p.goto(url+'/index.html'); await p.keyboard.press('Control+k'); await p.waitForSelector('.VPLocalSearchBox input'); await p.keyboard.type('session'); await p.waitForSelector('.VPLocalSearchBox .result'); await p.waitForTimeout(500);}
  else { const [path,hash]=name.split('@'); await p.goto(`${url}/${path}.html${hash?'#'+hash:''}`,{waitUntil:'networkidle'}); await p.waitForTimeout(300);}
  const over=await p.evaluate(()=>document.documentElement.scrollWidth-innerWidth); if(over>0)console.log('OVERFLOW',n,name,over);
  await p.screenshot({path:`/tmp/shots/${name.replaceAll('/','_')}-${n}-${scheme}.png`,fullPage:full});
 }
 await c.close();
}
await b.close(); s.close();
