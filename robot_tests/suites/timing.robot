*** Settings ***
Documentation       What comes when. In virtual time, so that no other program's load can shift it.
Resource            ${KEYWORDS}
Suite Setup         Start Board
Suite Teardown      Stop Board
Test Teardown       Save Console
Test Tags           virtual-time


*** Test Cases ***
A Scheduled Raise Comes At Its Time And Not Before
    Prompt Should Come
    Write Line To Uart    irq raise soft0 1 500ms
    Wait For Prompt On Uart    wirq>
    Let Time Pass    0.3
    Write Line To Uart    irq list
    Wait For Line On Uart    3 +soft0 .* no +0 +0 +0 +    treatAsRegex=true
    Let Time Pass    0.3
    Write Line To Uart    irq list
    Wait For Line On Uart    3 +soft0 .* yes +1 +0 +0 +    treatAsRegex=true
