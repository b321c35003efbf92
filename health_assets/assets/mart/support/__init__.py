"""Support: were promises to answer kept?"""
